"""The escalation auditor: walks all open cases, mends what does not go on, and beats for whoever watches it."""

from streams import topics
from streams.app import App, every, owned
from streams.auditor.auditor import PAUSE_SECONDS
from streams.line import Line


def attach(app: App, line: Line) -> None:
    """Add the auditor to a worker."""
    every(app, PAUSE_SECONDS, "auditor", lambda: line.auditor.walk(owned(app, topics.CASE_INPUTS.name)))
