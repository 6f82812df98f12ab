"""What every spec has, without torch: its fields, limits and errors, and the reader of JSON."""
