"""Rows of a manifest and the ranking go in; files for other tools and trees of links come out."""
