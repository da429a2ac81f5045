"""Errors that a user can correct, one class per cause.

    NoisefindError
    ├── DataError      the images, labels or tables that were given
    ├── ConfigError    an option or a configuration file
    └── RunError       a run or output folder: missing, unfinished, in the way

The command line prints the message as one line and exits with 2. A message names the file or
argument, its value, the rule, and a hint. Programming mistakes raise ValueError instead.
"""

from __future__ import annotations


class NoisefindError(Exception):
    """An error that the user can correct; its text is one line for the user."""


class DataError(NoisefindError):
    """The images, labels or tables are not as they must be."""


class ConfigError(NoisefindError):
    """An option is unknown, out of its range, or contradicts another."""


class RunError(NoisefindError):
    """A run folder or an output folder is missing, unfinished or in the way."""
