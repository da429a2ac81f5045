"""Presets: option values under one name. Options that are given explicitly take precedence.

The thesis-* presets are the settings with which the thesis scored its datasets.
docs/research/thesis.md has the table, the settings for training on the pruned data, and the
differences to noisefind.
"""

from __future__ import annotations

# what the three experiments share
_THESIS: dict[str, object] = {
    "members": 10,
    "epochs": 10,
    "trajectory_members": 1,
    "trajectory_epochs": 10,
    "batch_size": 25,
    "weight_decay": 0.0,
    "crop": True,
    "flip": True,
    "rotate": True,
    "never_learned": "zero",
}

# docs/research/detection.md has what each of the first three finds, and in how many seconds
PRESETS: dict[str, dict[str, object]] = {
    "fast": {
        "network": "probe",
        "features": "lite2",
        "feature_size": "auto",
        "feature_views": 1,
    },
    "standard": {
        "network": "probe",
        "features": "lite0,lite2",
        "feature_size": "fine",
        "feature_views": 1,
    },
    "thorough": {
        "network": "probe",
        "features": "lite0,lite2",
        "feature_size": "fine",
        "feature_views": 2,
    },
    "thesis-cifar10": {
        **_THESIS,
        "network": "resnet18",
        "epochs": 2,
        "trajectory_epochs": 6,
        "image_size": 32,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "schedule": "plateau",
        "schedule_factor": 0.5,
        "schedule_patience": 2,
        "normalize": "half",
        "clusters": 55,
    },
    "thesis-cifar100": {
        **_THESIS,
        "network": "resnet18-plain",
        "image_size": 32,
        "optimizer": "sgd",
        "learning_rate": 1e-3,
        "momentum": 0.9,
        "nesterov": False,
        "schedule": "steps",
        "schedule_factor": 0.3,
        "schedule_epochs": "40,45,50",
        "normalize": "dataset",
        "clusters": 55,
    },
    "thesis-vegetables": {
        **_THESIS,
        "network": "one-conv",
        "image_size": 224,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "schedule": "plateau",
        "schedule_factor": 0.25,
        "schedule_patience": 2,
        "normalize": "none",
    },
}


def automatic_preset(*, on_gpu: bool) -> dict[str, object]:
    """The preset whose values ``auto`` stands for."""
    return PRESETS["standard" if on_gpu else "fast"]
