"""The escalation auditor's timer: checks all open cases, repairs those that would not go on, and writes a heartbeat."""

from streams.casework.auditor.auditor import PAUSE_SECONDS, Auditor
from streams.messaging import topics
from streams.messaging.app import App, every, owned


def attach(app: App, flow: Auditor) -> None:
    """Add the auditor's timer to the worker `app`.

    It lets `flow` check one slice of the open cases in this worker's partitions, pauses for 0.02 s, and repeats. An
    error that is not transient stops the worker.
    """
    every(app, PAUSE_SECONDS, "auditor", lambda: flow.walk(owned(app, topics.CASE_INPUTS.name)))
