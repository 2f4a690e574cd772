"""Consistency: the chain of commits that a rebuild accepts, and the epochs by which one Redis leads.

May import schemas only. Called by streams/state and streams/casework.
"""
