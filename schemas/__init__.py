"""Pydantic models of the data on topics and in Redis: a package for each part of the system.

base.py has the common types, levels.py the enums (levels, actions, channels, results), errors.py the errors for users.
A new kind or state begins here: risk/signals.py (signals of feeds), casework/inputs.py (inputs of cases),
casework/events.py (the journal), channels/receipts.py (reports of providers).

May import nothing else of the project. Called by everything.
"""
