"""One file per room; `images.py` writes the small datasets that they read."""
