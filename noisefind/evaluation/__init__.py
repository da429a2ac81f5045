"""Whether what noisefind says is right: judged against a truth."""
