"""The Learn page: a gallery of lessons, and the steps of one lesson."""
