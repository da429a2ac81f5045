"""What the pictures alone tell: neighbours, duplicates, outliers; pure numpy."""
