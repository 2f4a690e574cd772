"""What lies on topics and in Redis, as pydantic models: a package for each part of the system.

base.py has the types that all share, levels.py the enums (levels, actions, channels, results), errors.py what a
rejected value is told. A new kind or state begins here: risk/signals.py (what feeds send), casework/inputs.py (what
happens to a case), casework/events.py (the journal), channels/receipts.py (what providers report).
Imports nothing of the project.
"""
