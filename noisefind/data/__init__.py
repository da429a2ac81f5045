"""A path goes in; a Dataset of ids, labels, classes and splits, and its pixels come out."""
