"""Prowide, a library of ISO 20022 that others use, reads our stop order, and ours reads what it writes."""

import subprocess
from pathlib import Path

from schemas.casework.inputs import BankState
from streams.intake.formats.iso20022 import items_of_document
from streams.iso20022.cancellation import request
from streams.iso20022.resolution import resolution
from tests.streams.iso20022.messages import AT, BANK, DISPATCH, ORDER, PAYEE, PAYER
from tests.tools.servers.kafka import jars
from tests.tools.servers.process import need

HERE = Path(__file__).parent
REFERENCE = DISPATCH.removeprefix("r").removesuffix(":payment")


def test_prowide_reads_our_stop_order_and_ours_reads_prowides_messages(tmp_path: Path) -> None:
    made = request(ORDER, BANK)
    assert made is not None
    (tmp_path / "camt.056.xml").write_bytes(made)
    assert _prowide(tmp_path) == [
        "2026-03-01T03:12:00Z",
        "YYYYCNYY",
        REFERENCE,
        "E2E-1",
        "1234.50 CNY",
        "2026-03-01",
        "FRAD",
        PAYEE,
    ]
    sent = {"kind": "transfer", "source": "zzzzcnzz", "id": "E2E-7", "at": AT, "payer": PAYER, "payee": PAYEE}
    sent |= {"amount_fen": 123_450, "channel": "mobile_bank"}
    assert items_of_document((tmp_path / "pacs.008.xml").read_bytes()) == [sent | {"state": "pending"}]
    assert items_of_document((tmp_path / "pacs.002.xml").read_bytes()) == [sent | {"state": "settled"}]
    told = resolution((tmp_path / "camt.029.xml").read_bytes())
    assert (told.dispatch, told.state, told.amount_fen) == (DISPATCH, BankState.IN_FORCE, 80_000)


def _prowide(folder: Path) -> list[str]:
    """Let Prowide read the folder's camt.056 and write a bank's messages. Returns the facts that it has read."""
    need("javac")  # `java` compiles the program with it
    command = ["java", "-cp", jars(HERE / "pom.xml"), str(HERE / "Prowide.java"), str(folder)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return found.stdout.splitlines()
