"""Prowide, a library of ISO 20022 that others use, reads our orders and questions, and ours reads what it writes."""

import subprocess
from pathlib import Path

from schemas.casework.inputs import BankState
from streams.intake.formats.iso20022 import items_of_document
from streams.iso20022.cancellation import request
from streams.iso20022.resolution import resolution
from streams.iso20022.status_request import status_request
from tests.streams.iso20022.messages import AT, BANK, DISPATCH, ORDER, PAYEE, PAYER, QUESTION
from tests.tools.servers.kafka import jars
from tests.tools.servers.process import need

HERE = Path(__file__).parent
REFERENCE = DISPATCH.removeprefix("r").removesuffix(":payment")


def test_prowide_reads_our_stop_order_and_ours_reads_prowides_messages(tmp_path: Path) -> None:
    made = request(ORDER, BANK)
    assert made is not None
    (tmp_path / "camt.056.xml").write_bytes(made)
    (tmp_path / "pacs.028.xml").write_bytes(asked("pacs.028.001.03"))
    (tmp_path / "pacs.028.001.06.xml").write_bytes(asked("pacs.028.001.06"))
    assert _prowide(tmp_path) == [
        "2026-03-01T03:12:00Z",
        "YYYYCNYY",
        REFERENCE,
        "E2E-1",
        "1234.50 CNY",
        "2026-03-01",
        "FRAD",
        PAYEE,
        "true",
        "96110",
        "YYYYCNYY",
        REFERENCE,
        "camt.056.001.09",
        "E2E-1",
        "1234.50",
        PAYEE,
        REFERENCE,
        PAYEE,
    ]
    for name, state in (("pending", BankState.PENDING), ("rejected", BankState.REFUSED)):
        status = resolution((tmp_path / f"pacs.002-{name}.xml").read_bytes())
        assert (status.dispatch, status.end_to_end, status.state) == (DISPATCH, "E2E-1", state)
    sent = {"kind": "transfer", "source": "zzzzcnzz", "id": "E2E-7", "at": AT, "payer": PAYER, "payee": PAYEE}
    sent |= {"amount_fen": 123_450, "channel": "mobile_bank"}
    assert items_of_document((tmp_path / "pacs.008.xml").read_bytes()) == [sent | {"state": "pending"}]
    assert items_of_document((tmp_path / "pacs.002.xml").read_bytes()) == [sent | {"state": "settled"}]
    told = resolution((tmp_path / "camt.029.xml").read_bytes())
    assert (told.dispatch, told.state, told.amount_fen) == (DISPATCH, BankState.IN_FORCE, 80_000)


def asked(kind: str) -> bytes:
    made = status_request(QUESTION, BANK.model_copy(update={"status_request": kind}))
    assert made is not None
    return made


def _prowide(folder: Path) -> list[str]:
    """Let Prowide read the folder's messages of ours, and write a bank's. Returns the facts that it has read."""
    need("javac")  # `java` compiles the program with it
    command = ["java", "-cp", jars(HERE / "pom.xml"), str(HERE / "Prowide.java"), str(folder)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return found.stdout.splitlines()
