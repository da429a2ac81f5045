"""Tests of noisefind/experiments."""
