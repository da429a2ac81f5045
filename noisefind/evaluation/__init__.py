"""Runs and ground truth go in; metrics, plots and labels with injected noise come out."""
