"""Features and small pixels go in; neighbours, duplicates, leaks, outliers, quality come out."""
