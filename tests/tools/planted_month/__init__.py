"""A planted month of reported frauds, and how well they are matched: `python -m tests.tools.planted_month`."""
