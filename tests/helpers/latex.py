"""LaTeX documents, compiled by pdflatex where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None,
    reason="pdflatex is not installed (Debian: texlive-latex-base, texlive-latex-recommended, texlive-pictures)",
)


def compiled(source: str, folder: Path) -> bytes:
    """Returns the PDF of a document, which pdflatex compiles without an error.

    Args:
        source: The document.
        folder: Folder for the files.
    """
    path = folder / "document.tex"
    path.write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", path.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Missing character" not in done.stdout
    return path.with_suffix(".pdf").read_bytes()
