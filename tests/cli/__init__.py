"""Tests of noisefind/cli."""
