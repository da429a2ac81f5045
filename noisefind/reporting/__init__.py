"""From a run folder to one page that opens anywhere."""
