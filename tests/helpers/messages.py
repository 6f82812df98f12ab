"""Comparison of messages with their place and values, without the wording between them."""

import re


def quotes(message: str, pattern: str) -> bool:
    """Whether a message contains a text, in which "…" stands for any words."""
    return re.search(".*".join(map(re.escape, pattern.split("…"))), message) is not None
