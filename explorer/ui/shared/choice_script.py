"""Scripts for choices that the parts of a page share: the browser marks a choice before the server knows of it."""

from pathlib import Path

ASSETS = Path(__file__).parents[1] / "assets"


def choice_script(name: str) -> str:
    """Return the script of a choice, for the beginning of a component's script.

    Args:
        name: Name of the file in ``assets/`` without its ending. Its choice has the functions of ``choice_parts.js``.
    """
    return "".join((ASSETS / f"{part}.js").read_text(encoding="utf-8") for part in ("choice_parts", name))
