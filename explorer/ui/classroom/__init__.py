"""Classes in the browser: the bar on every page, and the addresses to which it sends its requests."""
