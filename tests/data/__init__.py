"""Tests of noisefind/data."""
