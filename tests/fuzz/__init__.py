"""Fuzzing of everything that reads what strangers wrote: inputs of a kept corpus, changed at random."""
