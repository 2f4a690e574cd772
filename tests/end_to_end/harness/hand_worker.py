"""A worker as `quanzu worker` runs it, but by the tests' clock."""

import importlib
import logging
import os
from pathlib import Path

if os.environ.get("TEST_NEWER"):
    importlib.import_module("tests.end_to_end.harness.newer")  # before anything of schemas/ is made

from agents.worker import work
from streams.channels.settings import load as load_channels
from streams.runtime.clock import Clock
from streams.runtime.settings import load
from tests.end_to_end.harness.hand_clock import HandClock

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = load()
    work(settings, load_channels(), HandClock.shared(Path(os.environ["TEST_CLOCK"]), Clock.parse(settings.clock)))
