"""Recognition of the network of a checkpoint: the code that the recognisers of all families share."""
