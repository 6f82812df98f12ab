"""Chromium of this machine."""

import shutil

# Debian's shell has no windows and tabs to draw, which take a quarter of the browser's time. None if there is neither.
EXECUTABLE = shutil.which("chromium-headless-shell") or shutil.which("chromium")
