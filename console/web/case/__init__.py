"""The case page: the data it shows, the acts it offers, and the story of a case kept in memory.

May import console/web/auth, kit and live. Called by routes/cases and routes/programs.
"""
