"""A run's ranking goes in; accuracies of networks trained on subsets of the data come out."""
