"""Tests of noisefind/scores."""
