"""Labels with features or predicted probabilities -> label issues and noise rate; pure numpy."""

from noisefind.detection.find import find_label_issues
from noisefind.detection.label_issues import LabelIssues

__all__ = ["LabelIssues", "find_label_issues"]
