"""The escalation auditor: walks all open cases, mends what does not go on, and beats for whoever watches it."""

from streams.casework.auditor.auditor import PAUSE_SECONDS, Auditor
from streams.messaging import topics
from streams.messaging.app import App, every, owned


def attach(app: App, flow: Auditor) -> None:
    """Add the auditor to a worker."""
    every(app, PAUSE_SECONDS, "auditor", lambda: flow.walk(owned(app, topics.CASE_INPUTS.name)))
