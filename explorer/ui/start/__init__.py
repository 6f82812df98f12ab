"""The Start page: four cards that work where they stand, latest runs, well-known networks, and the tour."""
