"""The Kernels page: its sections, their settings and links."""
