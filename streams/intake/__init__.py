"""Intake: how signals enter, over HTTP and from files, and the watch over feeds that fall silent.

May import runtime, messaging, state, security and repositories. Called by the intake process and its commands; workers
call `feeds`.
"""
