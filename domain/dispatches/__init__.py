"""A dispatch to a channel: its id, whether it is still valid, its message, and requests whose outcome is unknown."""
