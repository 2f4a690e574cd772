"""Cases: their state, the inputs that change them, the journal's events and dispatches, and the policies in force.

Add a new kind of input in inputs.py, a new act of a person in acts.py, a new fact in events.py. Imports schemas.base,
levels, people and risk. Used by all packages.
"""
