"""What lies on topics and in Redis: a module for each kind of record.

A new kind or state begins here: signals.py (what feeds send), evidence.py, inputs.py (what happens to a case),
cases.py, events.py (the journal), levels.py (levels, actions, channels, results), receipts.py (what providers report).
Imports nothing of the project.
"""
