"""The status page: whether anyone is not being warned now, and why, with the worst trouble first."""
