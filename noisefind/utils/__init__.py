"""utils: files, cache, output folders, seeds, groups, progress and the torch device."""
