"""Training jobs, without torch."""
