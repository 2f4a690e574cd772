"""Shared parts of all pages: settings, server, routers with roles, templates, languages, errors, limits.

May import console/web/auth. Called by all routes and by console/commands.
"""
