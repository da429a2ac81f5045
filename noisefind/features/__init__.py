"""From pixels to one vector per image."""
