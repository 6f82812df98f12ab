"""CNN Architecture Explorer: edit a network, see its exact cost, train it, predict with it."""

import os

# Threads that wait for the others of a training sleep. OpenMP has them spin unless it is told so before torch loads it:
# on cores that others use, too, they take the time that those need for which they wait (benchmarks/threads.py).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
