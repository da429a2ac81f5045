"""A finished run and rules or decisions go in; a manifest of the images to keep comes out."""
