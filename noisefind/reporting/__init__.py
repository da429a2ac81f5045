"""A run folder goes in; one HTML file to review the labels comes out."""
