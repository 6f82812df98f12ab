"""The Runs page: all jobs in a table, and one or several of them close up."""
