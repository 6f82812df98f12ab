"""The Runs page: a table of all jobs, and details of the chosen ones."""
