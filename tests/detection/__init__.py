"""Tests of noisefind/detection."""
