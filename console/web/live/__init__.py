"""Live data of the pages: the open cases, the queue and the figures, kept in memory and up to date with the journal.

May import console/web/auth and kit, domain and streams. Called by routes, case and tasks.
"""
