"""The SMS gateway as `quanzu gateway sms` runs it, with what is wrong with it as arguments.

python -m tests.tools.chaos.gateway_process CONFIG [a mutation] ...
"""

import sqlite3
import sys
from collections.abc import Callable
from unittest.mock import patch

from domain.carriers.outcome import SubmitAnswer
from quanzu import main
from streams.gateways.sms import journal_steps
from streams.gateways.sms.carrier import CarrierLink
from streams.gateways.sms.connection import LostError, NotWrittenError
from streams.gateways.sms.pdu import ShortMessage


def _resends_what_is_in_doubt() -> None:
    """What may be on the wire passes for not written, and waits again: after a lost connection, and after a start."""
    submit = CarrierLink.submit

    async def again(self: CarrierLink, short: ShortMessage) -> tuple[SubmitAnswer, str]:
        try:
            return await submit(self, short)
        except LostError as error:
            raise NotWrittenError from error

    def interrupted(db: sqlite3.Connection, now: float) -> int:
        return db.execute("UPDATE segments SET state = 'waiting', carrier = NULL WHERE state = 'sending'").rowcount

    patch.object(CarrierLink, "submit", again).start()  # for the process's life
    patch.object(journal_steps, "interrupted", interrupted).start()


MUTATIONS: dict[str, Callable[[], None]] = {"resends_what_is_in_doubt": _resends_what_is_in_doubt}

if __name__ == "__main__":
    config, *wrongs = sys.argv[1:]
    for wrong in wrongs:
        MUTATIONS[wrong]()
    sys.argv = ["quanzu", "gateway", "sms", "--config", config]
    main()
