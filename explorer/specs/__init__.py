"""The base of all specs, without torch: fields, limits, errors, and the reader of JSON."""
