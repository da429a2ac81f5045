"""The run folder: what score writes (summary, ranking, tables) and all other commands read."""
