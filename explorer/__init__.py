"""CNN Architecture Explorer: edit a network, see its exact cost, train it, predict with it."""

__version__ = "0.1.0"
