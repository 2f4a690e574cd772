"""A policy draft as pages show it: its tables in words, and a preview of its effects on recorded evidence.

May import console/web/auth and kit, domain and streams. Called by routes/centre/policies and policy_drafts.
"""
