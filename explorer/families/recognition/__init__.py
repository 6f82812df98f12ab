"""Which network a checkpoint holds: what the recognisers of all families share."""
