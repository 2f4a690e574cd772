"""Signing in and grave acts in a real browser."""
