"""The ranking of a run goes in; accuracies of networks trained on subsets of it come out."""
