"""From a spec to a trained network."""
