"""Tests of noisefind/noise."""
