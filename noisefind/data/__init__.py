"""From a path to ids, labels, classes and pixels."""
