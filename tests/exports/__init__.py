"""Tests of noisefind/exports."""
