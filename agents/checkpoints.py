"""The timer that writes checkpoints of the partitions that this worker owns."""

from functools import partial

from streams.casework.checkpoints.schedule import Checkpoints
from streams.messaging import topics
from streams.messaging.app import App, every, owned

LOOK_SECONDS = 30.0  # between two looks whether a checkpoint is due


def attach(app: App, flow: Checkpoints) -> None:
    """Add the timer of checkpoints to the worker `app`. An error that is not transient stops the worker."""
    every(app, LOOK_SECONDS, "checkpoints", lambda: flow.look(partial(owned, app, topics.CASE_INPUTS.name)))
