"""Tests of noisefind/evaluation."""
