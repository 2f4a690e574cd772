"""Redis: clients, keys, scripts, locks, the case store behind its fence, which server leads, recovery of shared state.

Imports runtime and messaging. Called by every package that keeps something in Redis.
"""
