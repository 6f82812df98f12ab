"""A network as a file for another program."""
