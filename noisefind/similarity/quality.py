"""Image quality from pixel arrays: dark, light, blurry, grey and odd images.

Names, measures and thresholds are those of CleanVision 0.3 (github.com/cleanlab/cleanvision), here
of the stored pixels, so that no file is read again. docs/explanation/similarity.md compares both.
Three things differ. An image is grey if it has no colour, in any file mode. A property
that more than half of the images have is no issue (CleanVision leaves it out of its report). The
spread of sizes is at least a tenth of the median; otherwise one image of 201 px among images of
200 px would be odd.

Pillow resizes and finds edges, as in CleanVision; it only gets arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter, ImageStat

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1  # of the measures; increase it when they change for the same pixels
MEASURES = ("bright_99", "bright_5", "entropy", "edges", "histogram_std", "colour")
DARK = 0.32  # the 99th percentile of brightness is below
LIGHT = 0.95  # the 5th percentile of brightness is above
LOW_INFORMATION = 3.0  # bits per pixel and channel, below
BLURRY = 0.29  # sharpness, below
FLAT_HISTOGRAM = 0.18  # of the histogram's part of the sharpness, up to which it does not count
ODD_ASPECT_RATIO = 0.35  # shorter side over longer, below
ODD_SIZE = 3.0  # interquartile ranges outside of the quartiles of sqrt(width * height)
LEAST_SPREAD = 0.1  # of the median size, that counts as an interquartile range
GREY = 3.0  # the 99th percentile of the difference between channels, in grey levels, is below
PREVALENT = 0.5  # share of the images; a property of more images than that is no issue
BLUR_SIDE = 64  # px, the longer side of the image in which edges are found


def image_issues(measures: NDArray[np.float32], sizes: NDArray[np.int32]) -> list[str]:
    """The issues of each image, joined by ";".

    Args:
        measures: (N, 6) by :func:`measure_image`.
        sizes: (N, 2) width and height of the originals.
    """
    of = dict(zip(MEASURES, measures.T.astype(np.float64), strict=True))
    width, height = sizes.T.astype(np.float64)
    histogram = 1 - np.exp(-0.01 * of["histogram_std"])
    sharpness = 1 - np.exp(-0.01 * of["edges"]) + np.where(histogram > FLAT_HISTOGRAM, histogram, 0)
    found = {
        "dark": of["bright_99"] < DARK,
        "light": of["bright_5"] > LIGHT,
        "blurry": sharpness < BLURRY,
        "low_information": of["entropy"] < LOW_INFORMATION,
        "odd_aspect_ratio": np.minimum(width, height) / np.maximum(width, height)
        < ODD_ASPECT_RATIO,
        "odd_size": _is_odd(np.sqrt(width * height)),
        "grayscale": of["colour"] < GREY,
    }
    names: list[list[str]] = [[] for _ in measures]
    for name, has in found.items():
        if has.mean() <= PREVALENT:
            for row in np.flatnonzero(has).tolist():
                names[row].append(name)
    return [";".join(some) for some in names]


def _is_odd(size: NDArray[np.float64]) -> NDArray[np.bool_]:
    low, middle, high = np.percentile(size, [25, 50, 75])
    reach = ODD_SIZE * max(high - low, LEAST_SPREAD * middle)
    return np.asarray((size < low - reach) | (size > high + reach))


def measure_image(pixels: NDArray[np.uint8], width: int, height: int) -> tuple[float, ...]:
    """The measures of one image (S, S, 3), whose original has this width and height.

    The 99th and the 5th percentile of brightness, 0 to 1; entropy in bits of the histogram of all
    channels; the standard deviations of the edges and of the histogram, at 64 px with the
    original's proportions; the 99th percentile of the largest difference between the
    channels of a pixel.
    """
    step = max(1, len(pixels) // 96)  # percentiles need no more pixels than that
    few = pixels[::step, ::step].reshape(-1, 3)
    bright = np.square(few.astype(np.float32)) @ np.array([0.241, 0.691, 0.068], np.float32)
    low, high = np.sqrt(_percentiles(bright, 5, 99)) / 255
    red, green, blue = few.T  # in turn: numpy reduces an axis of three at a tenth of the speed
    most, least = (f(f(red, green), blue) for f in (np.maximum, np.minimum))
    colour = _percentiles(most - least, 99)[0]
    picture = Image.fromarray(pixels)
    shrink = min(1.0, BLUR_SIDE / max(width, height))
    small = picture.resize((max(int(width * shrink), 1), max(int(height * shrink), 1))).convert("L")
    edges = small.filter(ImageFilter.FIND_EDGES)
    return (
        float(high),
        float(low),
        picture.entropy(),
        ImageStat.Stat(edges).stddev[0],
        float(np.std(small.histogram())),
        float(colour),
    )


def _percentiles(values: NDArray[Any], *percents: int) -> NDArray[Any]:
    places = [len(values) * percent // 100 for percent in percents]
    return np.partition(values, places)[places]
