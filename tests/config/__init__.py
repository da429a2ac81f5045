"""Tests of noisefind/config."""
