"""The Kernels page: its sections and links."""
