"""Rosters as pages show them: stations in the viewer's area, shifts as calendars."""
