"""Subject access: recognizes records about a resident, and the part of a shared record that is about them.

A resident is identified by a random id, by telephones and accounts, and by their tokens and hashes. Names are not
searched: others have them too, and their data must not be disclosed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.identity.identifiers import account_token, held, normal_account, normal_phone
from schemas.people.residents import Holding, Resident

PARTIES = {"phones": ("called", "caller", "receiver", "sender", "phone"), "accounts": ("payer", "payee")}
"""The fields of signals that contain a telephone, and those that contain an account."""
LATE = timedelta(days=7)  # a record may be about an event that long before


@dataclass(frozen=True, slots=True)
class Subject:
    """The person asked about. `words`: their unique identifiers, as bytes; `numbers`: a pattern of their numbers."""

    resident: Resident
    words: tuple[bytes, ...]
    numbers: re.Pattern[bytes]

    def mentioned(self, key: bytes | None, value: bytes, at: datetime | None = None) -> bool:
        """Return whether a record is about the person, by its key or its value.

        `at`: the record's time, or None for any.
        """
        named = key == self.resident.id.encode() or any(word in value for word in self.words)
        return named or self.numbered(value, at)

    def numbered(self, value: bytes, at: datetime | None = None) -> bool:
        """Return whether the value contains a complete number that the person held at `at`, or up to 7 days before.

        `at` None: ever held.
        """
        return any(at is None or self._had(found[1].decode(), at) for found in self.numbers.finditer(value))

    def _had(self, number: str, at: datetime) -> bool:
        return any(
            holding.value.removeprefix("+86") == number
            and (holding.since is None or holding.since <= at)
            and (holding.until is None or holding.until > at - LATE)
            for holding in (*self.resident.phones, *self.resident.accounts)
        )

    def signals(self, batch: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Yield the signals of a record that name a number which the person held at the signal's time."""
        for signal in batch:
            at = _moment(signal.get("at"))
            holdings = {"phones": self.resident.phones, "accounts": self.resident.accounts}
            if any(_names(signal, fields, holdings[index], at) for index, fields in PARTIES.items()):
                yield signal


def subject(resident: Resident, secret: bytes) -> Subject:
    """Return what to search for about a resident. `secret`: the key of the keyed hashes.

    Raises ValueError if the key is shorter than 16 bytes or an account of the resident is invalid.
    """
    tokens = [account_token(secret, holding.value) for holding in resident.accounts]
    words = [resident.id, *tokens, *([resident.id_hash] if resident.id_hash else [])]
    numbers = [holding.value.removeprefix("+86") for holding in (*resident.phones, *resident.accounts)]
    found = "|".join(map(re.escape, sorted(numbers))) or "(?!)"  # "(?!)" matches nothing
    pattern = re.compile(rf"(?<![0-9A-Za-z])(?:\+?86)?({found})(?![0-9A-Za-z])".encode())
    return Subject(resident, tuple(word.encode() for word in words), pattern)


def _names(signal: Mapping[str, Any], fields: Sequence[str], holdings: Sequence[Holding], at: datetime | None) -> bool:
    told = {_spelt(field, signal.get(field)) for field in fields}
    return any(holding.value in told and (at is None or held(holding, at)) for holding in holdings)


def _spelt(field: str, value: object) -> str:
    """Return a number normalized, or unchanged if it is invalid."""
    text = str(value or "")
    try:
        return normal_account(text) if field in PARTIES["accounts"] else normal_phone(text)
    except ValueError:
        return text


def _moment(value: object) -> datetime | None:
    """Return a signal's time, or None if it has none or no UTC offset."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None
