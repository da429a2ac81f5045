"""The command line: arguments go in; text or JSON on stdout, progress on stderr come out."""
