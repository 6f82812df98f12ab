"""Classes in the browser: the bar on every page, and the addresses that it asks."""
