"""noisefind: find wrong labels and rank examples by difficulty in image-classification datasets."""

__version__ = "0.1.0"
