"""Payments as pages show them: stop-payments, their release, and who paid a suspect account."""
