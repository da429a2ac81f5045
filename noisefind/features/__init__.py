"""Pixels or a file of the user go in; one feature vector per image comes out."""
