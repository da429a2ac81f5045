"""What a ranking is worth: networks trained anew on parts of the data."""
