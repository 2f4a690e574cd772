"""Rosters as pages show them: stations of the reader's area, changes of a roster, shifts as calendars.

May import console/web/auth and kit. Called by routes/field.
"""
