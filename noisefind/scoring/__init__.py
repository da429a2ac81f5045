"""Data and a configuration go in; a finished run folder comes out: the command ``score``."""
