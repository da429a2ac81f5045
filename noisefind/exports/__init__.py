"""exports: rows of a manifest and the ranking -> files for other tools, and trees of links."""
