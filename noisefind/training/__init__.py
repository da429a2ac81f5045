"""Pixels or features and labels go in; the predictions of every member come out as a record."""
