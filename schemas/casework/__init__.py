"""A case: its state, the inputs that change it, the journal's events and dispatches, and the policies it ran under.

A new kind of input begins in inputs.py, a new fact in events.py. Called by everybody; imports schemas.base, levels,
people and risk.
"""
