"""The status page: whether any resident might not be warned now, and why; the worst trouble first."""
