"""Runs and ground truth go in; measures, plots and injected label noise come out."""
