"""The transactions of AMLSim, a public money-laundering simulator: sourceNodeId, targetNodeId, value, time.

Node n becomes the account "AML" and n in eight digits. `value` is in yuan and converted to fen exactly. `time` is a
number of days after midnight (Beijing) of `Options.start`. Each row becomes a settled transfer by mobile bank, the most
common channel.
"""

import re
from datetime import datetime, time, timedelta
from decimal import Decimal

from domain.identity.identifiers import BEIJING
from streams.intake.formats.rows import Options, Row, RowError, columns, picked

NEEDED = ("sourceNodeId", "targetNodeId", "value", "time")
LAST_STEP = 20_000  # days: some 54 years

_WHOLE = re.compile(r"[0-9]{1,8}")
_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,9})?([eE]\+?[0-9])?")


def open_rows(header: bytes, options: Options) -> Row:
    """Return the function that parses the rows of a file whose first line is `header`: it returns the fields of a
    transfer signal, or raises RowError. Raises RowError if a column of NEEDED is missing; they may be in any order.
    """
    count, places = columns(header, NEEDED)
    begin = datetime.combine(options.start, time(tzinfo=BEIJING))

    def row(line: bytes, row_id: str) -> object:
        payer, payee, value, step = picked(line, count, places)
        return {
            "kind": "transfer",
            "source": "amlsim",
            "id": row_id,
            "at": begin + timedelta(days=_step(step)),
            "payer": account(payer),
            "payee": account(payee),
            "amount_fen": fen(value),
            "channel": "mobile_bank",
            "state": "settled",
        }

    return row


def account(node: str) -> str:
    """Return the account number of a node: AML and the node in eight digits.

    Raises RowError if the node is not a whole number of at most 8 digits.
    """
    if not _WHOLE.fullmatch(node):
        raise RowError("a node is a whole number of at most 8 digits")
    return f"AML{int(node):08d}"


def fen(yuan: str) -> int:
    """Return an amount of yuan in fen, exactly. Raises RowError if the text is not an amount, or has
    fractions of a fen.
    """
    if not _AMOUNT.fullmatch(yuan):
        raise RowError("value: not an amount of money")
    amount = Decimal(yuan).scaleb(2)
    if amount != amount.to_integral_value():
        raise RowError("value: has fractions of a fen")
    return int(amount)


def _step(text: str) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > LAST_STEP:
        raise RowError(f"time: not a step, a whole number up to {LAST_STEP}")
    return int(text)
