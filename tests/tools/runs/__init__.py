"""How a run of the tests ends: by itself, whatever hangs; it names what hung and leaves no process behind.

Plugins of pytest, loaded by tests/conftest.py: `time_limit` ends a test that takes too long, `run_limit` a run,
`leftovers` the processes that a test left behind, and `order` begins with what takes longest.
"""
