"""Visits at the door: officers, rosters and rounds, tasks, travel times, check-ins.

May import schemas, domain.casework, domain.dispatches and domain.identity. Called by streams, agents and the console.
"""
