"""Chromium of this machine."""

import shutil

EXECUTABLE = shutil.which("chromium")  # Debian's package; None if it is missing
