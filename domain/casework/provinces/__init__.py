"""Cases that pass to another province and come from one: their decisions, as pure functions on a case.

At every moment, at least one of the two provinces handles the resident: the sender stops only after the receiver's case
is open, and only the sender may end its part when both handle the resident.
"""
