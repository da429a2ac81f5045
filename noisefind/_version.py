"""The version of this noisefind."""

__version__ = "0.1.0"
