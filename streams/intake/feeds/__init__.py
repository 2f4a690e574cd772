"""Detection of feed outages: learns each feed's usual rate, and raises an alarm for an unusual silence.

May import what intake may. Called by workers.
"""
