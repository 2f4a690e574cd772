"""Residents, staff, officers' rosters and tasks, and reports by people: calls, complaints, incidents, hand-overs.

May import schemas.base, levels and casework. Called by everything.
"""
