"""Security keys (WebAuthn), and step-up: the proof of who acts, before an act that is grave.

May import console/web/auth, console/web/kit, domain and streams. Called by the doors, and by the routes of signing in
and of one's own account.
"""
