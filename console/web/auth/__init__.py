"""Authentication and access: passwords, second factors, sessions, API tokens, CSRF, and the audit of looks at people.

May import console/web/kit, domain and streams. Called by all routes.
"""
