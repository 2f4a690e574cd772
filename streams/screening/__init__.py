"""Signals in batches: evidence in Redis, alerts to casework, each signal counted once."""
