import streamlit as st

from explorer.i18n import _

st.title(_("Runs"), anchor=False)
