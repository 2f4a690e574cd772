"""Protection of a resident after a loss: the shield with its support calls, and what came of them.

May import domain.casework and below. Called by the case machine.
"""
