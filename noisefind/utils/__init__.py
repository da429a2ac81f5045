"""Helpers that any folder may use: paths, arrays and seeds go in; files and devices come out."""
