"""Intake: accepts signals over HTTP and from files, and detects feed outages.

May import runtime, messaging, state, security and repositories. Called by the intake process and its commands; workers
call `feeds`.
"""
