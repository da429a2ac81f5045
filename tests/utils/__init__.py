"""Tests of noisefind/utils."""
