"""A finished run, and rules or decisions, go in; a manifest of the images to keep comes out.

For arrays of your own: ``select`` applies a sequence of ``Rule``. It needs no run.
"""

from noisefind.pruning.rules import Rule
from noisefind.pruning.selection import Selection, select

__all__ = ["Rule", "Selection", "select"]
