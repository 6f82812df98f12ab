"""The Compare page: its state, cards, charts and tables."""
