"""What is known of a danger: signals as feeds send them, evidence, watchlist entries, feeds and their outages.

A new kind or state of signal begins in signals.py; wire.py reads the frequent kinds faster. Called by everybody;
imports schemas.base, levels, people.
"""
