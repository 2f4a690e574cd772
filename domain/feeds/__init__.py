"""Feeds: detection of outages, and the states and repair of dead letters.

May import schemas and domain.calendar. Called by streams/intake, dead_letters and monitoring, and by the console.
"""
