"""Answers of trained weights about images, and reasons for them."""
