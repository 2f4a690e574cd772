"""Policy drafts as pages show them: their tables in words, and a preview of their effects on recorded evidence.

May import console/web/auth and kit, domain and streams. Called by routes/centre/policies and policy_drafts.
"""
