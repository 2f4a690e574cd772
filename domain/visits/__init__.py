"""Visits at the door: officers, their rosters and rounds, tasks, travel times, check-ins."""
