"""A demo: a simulated province on servers of its own, workers as processes, a report at the end."""
