"""Takes in the pages that are polled from another centre, as intake takes in a file of its objects."""

import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from streams.intake.acceptor import Intake
from streams.intake.files import FileReport, intake_file
from streams.intake.formats import Options
from streams.intake.taxii.polling import PollReport, TaxiiSource, poll, state_file
from streams.messaging.producer import Producer
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings


class Poller:
    """Polls collections into one installation. `options`: how the objects are read (`stix`)."""

    def __init__(self, settings: Settings, producer: Producer, clock: Clock, options: Options) -> None:
        self._settings, self._clock, self._options = settings, clock, options
        self._intake = Intake(producer, settings)

    async def poll(self, source: TaxiiSource, client: httpx.AsyncClient) -> PollReport:
        """Accept the objects that were added to a collection since the last poll, and return the report. Each object is
        accepted or becomes a dead letter. How far the collection was read is stored in the data folder.

        Raises TaxiiError if the server cannot be asked or its answer is unusable, SendError if Kafka refuses a record
        permanently, and OSError if a file cannot be written; pages before that are not asked for again.
        """
        state = state_file(self._settings.data, source)
        return await poll(source, self._take, state, self._clock.now(), client)

    async def _take(self, content: bytes) -> FileReport:
        """Take in a page. It is a file only for this long, which nobody else may read."""
        with tempfile.TemporaryDirectory(prefix="quanzu-taxii-") as folder:
            page = Path(folder) / "page.json"
            page.write_bytes(content)
            return await intake_file(
                "stix", page, self._intake, self._settings, self._clock, options=self._options, resume=False
            )


@asynccontextmanager
async def taxii_client(ca: Path | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Context manager: yield an HTTP client that trusts the system's CAs, or only those of the file `ca` (PEM). It uses
    no proxy of the environment, so that a key goes nowhere else. Raises OSError (also ssl.SSLError) if `ca` cannot be
    read.
    """
    trusted = ssl.create_default_context(cafile=str(ca) if ca else None)
    async with httpx.AsyncClient(verify=trusted, trust_env=False) as client:
        yield client
