"""From scores to a verdict on each label."""
