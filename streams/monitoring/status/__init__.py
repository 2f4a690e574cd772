"""Is anyone not being warned now, and why: one page, the worst first."""
