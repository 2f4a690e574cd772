"""Signing in, one's own account, staff accounts, guests of a demo, looking at personal data."""
