"""Results of ``score`` go into a run folder; its summary, ranking, tables and images come out."""
