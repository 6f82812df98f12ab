"""The read-only demonstration for Streamlit Community Cloud: choose this file as the app's main file.

It works on the CPU, and writes no more than caches. docs/deployment.md says how much memory it takes.
"""

import os
import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

ROOT = Path(__file__).resolve().parents[2]
# Set before the product is imported. The names are the cloud's, whose own proxy checks them.
os.environ |= {"EXPLORER_READ_ONLY": "true", "EXPLORER_ALLOWED_HOSTS": "*", "EXPLORER_RUN_JOBS": "false"}
sys.path.insert(0, str(ROOT))

from explorer.ui.upload_limit import UploadLimit  # noqa: E402  needs the path and the settings above

app = st.App(ROOT / "explorer" / "main.py", middleware=[Middleware(UploadLimit)])
