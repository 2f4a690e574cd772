"""The feeds' timer: learns each feed's usual rate and raises an alarm at an outage."""

from streams.intake.feeds.watch import Feeds
from streams.messaging.app import App, every

LOOK_SECONDS = 1.0


def attach(app: App, flow: Feeds) -> None:
    """Add a timer to the worker `app` that lets `flow` learn the feeds' rates and check for outages once a second."""
    every(app, LOOK_SECONDS, "feeds", flow.refresh)
