"""Timers that look at outcomes: one stops experiments that do harm, one counts frauds after warnings."""

from streams.casework import after_warning_watch, experiment_watch
from streams.casework.after_warning_watch import AfterWarningWatch
from streams.casework.experiment_watch import ExperimentWatch
from streams.messaging.app import App, every


def attach(app: App, experiments: ExperimentWatch, after_warning: AfterWarningWatch) -> None:
    """Add timers to the worker `app` that call `check` of both once a minute. Of all workers, one evaluates the
    experiments, once an hour, and one counts the frauds after warnings for the console's page, every six hours.
    """
    every(app, experiment_watch.LOOK_SECONDS, "experiments", experiments.check)
    every(app, after_warning_watch.LOOK_SECONDS, "fraud after warnings", after_warning.check)
