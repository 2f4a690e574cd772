"""The experiments' timer: reads what their outcomes show, and stops an experiment that does harm."""

from streams.casework.experiment_watch import LOOK_SECONDS, ExperimentWatch
from streams.messaging.app import App, every


def attach(app: App, flow: ExperimentWatch) -> None:
    """Add a timer to the worker `app` that calls `flow.check` once a minute; of all workers, one evaluates the
    experiments, once an hour.
    """
    every(app, LOOK_SECONDS, "experiments", flow.check)
