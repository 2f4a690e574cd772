"""Stop orders within a decision: `records` proposes and signs them, `decisions` has what persons decide.

May import domain/casework/draft, payments, steps and stops. Called by domain/casework and the console's release desk.
"""
