"""Searches for a resident who cannot be reached: their decisions, as pure functions on a case.

domain/casework/machine.py and acts.py call them; domain/visits/sweep.py ranks the places and divides them.
"""
