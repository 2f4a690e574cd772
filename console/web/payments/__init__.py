"""Payments as pages show them: stop-payments, their release, and payers of a suspect account.

May import console/web/auth and kit. Called by routes/money and console/web/case.
"""
