"""Formats pieces of source code as ruff does."""

from collections.abc import Iterable

WIDTH = 88


def bracketed(opening: str, items: Iterable[str], closing: str, indent: int = 0) -> str:
    """Items in brackets: on one line if it fits, else each on its own line with a trailing comma.

    Args:
        opening: Text before the items, such as ``f(``.
        items: Items of source code.
        closing: Text after the items.
        indent: Blanks before the first line.
    """
    items, margin = list(items), " " * indent
    line = margin + opening + ", ".join(items) + closing
    if len(line) <= WIDTH:
        return line
    return "\n".join([margin + opening, *(f"{margin}    {item}," for item in items), margin + closing])


def names(words: Iterable[str]) -> list[str]:
    """Words as string literals."""
    return [f'"{word}"' for word in words]


def shape(sizes: tuple[int, ...]) -> str:
    """(1, 64, 56, 56) as ``(N, 64, 56, 56)``."""
    return f"(N, {', '.join(map(str, sizes[1:]))})"
