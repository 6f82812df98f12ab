"""Pictures as SVG text, and how numbers, kinds of layers and heat look. Pure: no Streamlit."""
