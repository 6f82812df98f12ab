"""Words for students in place of names: a colour and an animal, such as "green otter"."""

import random
from collections.abc import Collection
from itertools import product

from explorer.i18n import _


def all_words() -> list[str]:
    """Returns all words in the current language."""
    colours = _("red, blue, green, yellow, orange, purple, pink, brown, black, white, grey, silver, golden, tiny, tall")
    animals = _(
        "otter, fox, owl, bear, cat, dog, wolf, deer, seal, crab, frog, duck, swan, crow, bee, ant, mouse, horse, "
        "goat, sheep, tiger, lion, panda, koala, camel, whale, shark, squid, snail, robin"
    )
    return [f"{colour} {animal}" for colour, animal in product(_split(colours), _split(animals))]


def new_word(taken: Collection[str]) -> str:
    """Returns a random word that no other student of the class has. If all words are taken, it ends in a number."""
    words = all_words()
    # The word is a name and no key, so anybody may guess it.
    free = sorted(set(words) - set(taken))
    if free:
        return random.choice(free)  # noqa: S311  a name
    return f"{random.choice(words)} {len(taken)}"  # noqa: S311  a name


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]
