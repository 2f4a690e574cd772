"""Data of the supervisor's pages: overview, map, wall display, and the names of audit acts.

May import console/web/auth, kit and live. Called by routes/centre.
"""
