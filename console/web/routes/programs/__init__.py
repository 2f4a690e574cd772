"""The API for other programs, its tokens, and webhooks."""
