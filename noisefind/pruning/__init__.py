"""pruning: a finished run and rules or decisions -> a manifest of the images to keep."""
