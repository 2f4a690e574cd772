"""Residents, staff, officers' rosters and tasks, and what people report: calls, complaints, incidents, hand-overs.

Called by everybody; imports schemas.base, levels and casework.
"""
