"""The voice gateway as `quanzu gateway voice` runs it, with what is wrong with it as arguments.

python -m tests.tools.chaos.voice.process CONFIG [a mutation] ...
"""

import sys
from collections.abc import Callable
from unittest.mock import patch

from quanzu import main
from streams.gateways.voice.ledger import VoiceLedger


def _dials_what_is_in_doubt() -> None:
    """A call that a killed process had begun passes for not dialled, and waits again."""
    write = VoiceLedger._write

    def forgets(self: VoiceLedger, statement: str, *values: object) -> int:
        if statement.endswith("WHERE state = 'dialling'"):
            statement = "UPDATE calls SET state = 'waiting' WHERE state = 'dialling'"
        return write(self, statement, *values)

    patch.object(VoiceLedger, "_write", forgets).start()  # for the process's life


MUTATIONS: dict[str, Callable[[], None]] = {"dials_what_is_in_doubt": _dials_what_is_in_doubt}

if __name__ == "__main__":
    config, *wrongs = sys.argv[1:]
    for wrong in wrongs:
        MUTATIONS[wrong]()
    sys.argv = ["quanzu", "gateway", "voice", "--config", config]
    main()
