"""The results on a test set, rendered in the same way for a run and for weights."""
