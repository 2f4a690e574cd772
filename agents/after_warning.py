"""The timer that counts frauds after warnings for the console's page of the police's records."""

from streams.casework.after_warning_watch import LOOK_SECONDS, AfterWarningWatch
from streams.messaging.app import App, every


def attach(app: App, flow: AfterWarningWatch) -> None:
    """Add a timer to the worker `app` that calls `flow.check` once a minute; of all workers, one counts, every six
    hours.
    """
    every(app, LOOK_SECONDS, "fraud after warnings", flow.check)
