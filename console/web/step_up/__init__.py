"""Security keys (WebAuthn), and step-up: before a grave act, the person must prove again who they are.

May import console/web/auth, console/web/kit, domain and streams. Called by the doors, and by the routes of signing in
and of one's own account.
"""
