"""Fuzzing of all readers of untrusted input: random changes to the inputs of a stored corpus."""
