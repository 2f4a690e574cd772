"""The API for other programs, its keys, and webhooks."""
