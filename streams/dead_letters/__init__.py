"""Work of people on dead letters, which are refused records: list, show, repair, send again, drop.

May import runtime, messaging, security and intake. Called by intake's server, commands and workers (for metrics).
"""
