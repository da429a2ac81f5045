"""Tests of noisefind/pruning."""
