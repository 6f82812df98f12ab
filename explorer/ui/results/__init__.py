"""How weights did on a test set, drawn the same for a run and for any weights."""
