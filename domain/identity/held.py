"""What is held on one person: which records speak of a resident, and of a record of many only the part that does.

A resident is named by a random id, by telephones and accounts, and by their tokens and hashes. By a name nothing is
looked for: others have it too, and what is held on them is not the asker's to see.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.identity.identifiers import account_token, held, normal_account, normal_phone
from schemas.people.residents import Holding, Resident

PARTIES = {"phones": ("called", "caller", "receiver", "sender", "phone"), "accounts": ("payer", "payee")}
"""Of a signal: the fields that name a telephone, and those that name an account."""
LATE = timedelta(days=7)  # a record may tell of what was so long ago


@dataclass(frozen=True, slots=True)
class Subject:
    """The person asked about. `_words`: what names nobody else, as bytes."""

    resident: Resident
    words: tuple[bytes, ...]
    numbers: re.Pattern[bytes]

    def mentioned(self, key: bytes | None, value: bytes, at: datetime | None = None) -> bool:
        """Whether a record of that time (none: of any) speaks of the person, by its key or anywhere in its value."""
        named = key == self.resident.id.encode() or any(word in value for word in self.words)
        return named or self.numbered(value, at)

    def numbered(self, value: bytes, at: datetime | None = None) -> bool:
        """Whether a number stands in it, as no part of a longer one, that was the person's then or shortly before."""
        return any(at is None or self._had(found[1].decode(), at) for found in self.numbers.finditer(value))

    def _had(self, number: str, at: datetime) -> bool:
        return any(
            holding.value.removeprefix("+86") == number
            and (holding.since is None or holding.since <= at)
            and (holding.until is None or holding.until > at - LATE)
            for holding in (*self.resident.phones, *self.resident.accounts)
        )

    def signals(self, batch: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """A record's signals that name the person, by a number that was the person's at that time."""
        for signal in batch:
            at = _moment(signal.get("at"))
            holdings = {"phones": self.resident.phones, "accounts": self.resident.accounts}
            if any(_names(signal, fields, holdings[index], at) for index, fields in PARTIES.items()):
                yield signal


def subject(resident: Resident, secret: bytes) -> Subject:
    """Whom to look for. `secret`: the key of the keyed hashes."""
    tokens = [account_token(secret, holding.value) for holding in resident.accounts]
    words = [resident.id, *tokens, *([resident.id_hash] if resident.id_hash else [])]
    numbers = [holding.value.removeprefix("+86") for holding in (*resident.phones, *resident.accounts)]
    found = "|".join(map(re.escape, sorted(numbers))) or "(?!)"  # the last fits nothing
    pattern = re.compile(rf"(?<![0-9A-Za-z])(?:\+?86)?({found})(?![0-9A-Za-z])".encode())
    return Subject(resident, tuple(word.encode() for word in words), pattern)


def _names(signal: Mapping[str, Any], fields: Sequence[str], holdings: Sequence[Holding], at: datetime | None) -> bool:
    told = {_spelt(field, signal.get(field)) for field in fields}
    return any(holding.value in told and (at is None or held(holding, at)) for holding in holdings)


def _spelt(field: str, value: object) -> str:
    """A number in its one spelling, or as it came when it has none."""
    text = str(value or "")
    try:
        return normal_account(text) if field in PARTIES["accounts"] else normal_phone(text)
    except ValueError:
        return text


def _moment(value: object) -> datetime | None:
    """When a signal was, if it says so; without a zone it cannot be compared."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None
