"""Redis: clients, keys, Lua scripts, locks, the case store with its fence, which Redis leads, recovery of shared
data.

May import runtime and messaging. Called by every package that stores data in Redis.
"""
