"""Figures as SVG text, and the colours of kinds of layers and of heat maps; without Streamlit."""
