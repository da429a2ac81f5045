"""Tests of noisefind/reporting."""
