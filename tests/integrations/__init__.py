"""Tests of noisefind/training."""
