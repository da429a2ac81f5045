"""Tests of noisefind/integrations."""
