"""Tests of noisefind/features."""
