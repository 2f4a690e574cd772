"""Detects feed outages: learns each feed's usual rate, and raises an alarm if a feed is silent for unusually long.

May import what intake may import. Called by workers.
"""
