"""Tests of noisefind/similarity."""
