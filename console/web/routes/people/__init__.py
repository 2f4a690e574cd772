"""Routes for accounts and access: signing in, one's own account, staff accounts, demo guests, revealing personal data,
health.
"""
