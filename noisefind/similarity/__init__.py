"""similarity: features and small pixels -> neighbours, duplicates, leaks, outliers, quality."""
