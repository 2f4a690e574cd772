"""Listen to the feeds: what is usual is learnt, and a silence that is not is an alarm."""

from streams.intake.feeds.watch import Feeds
from streams.messaging.app import App, every

LOOK_SECONDS = 1.0


def attach(app: App, flow: Feeds) -> None:
    """Add the timer to a worker."""
    every(app, LOOK_SECONDS, "feeds", flow.turn)
