"""Tests of noisefind/scoring."""
