"""Data on risk: signals of feeds, evidence, watchlist entries, feeds and their outages.

A new kind or state of signal begins in signals.py; wire.py parses the frequent kinds faster. May import schemas.base,
levels and people. Called by everything.
"""
