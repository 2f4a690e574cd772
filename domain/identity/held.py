"""Subject access: recognizes records about a resident, and the part of a shared record that is about them.

A resident is identified by a random id, by telephones and accounts, and by their tokens and hashes. Names are not
searched: others have them too, and their data must not be disclosed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import account_token, held, normal_account, normal_phone
from schemas.people.public_reports import Reporter
from schemas.people.residents import Holding, Resident

PARTIES = {"phones": ("called", "caller", "receiver", "sender", "phone"), "accounts": ("payer", "payee")}
"""The fields of signals that contain a telephone, and those that contain an account."""
_ID_HASH = re.compile(rb"(?<![0-9A-Za-z])[a-z2-7]{26}(?:\.[0-9]{1,3})?(?![0-9A-Za-z])")  # as domain/identity/id_keys
LATE = timedelta(days=7)  # a record may be about an event that long before


@dataclass(frozen=True, slots=True)
class Subject:
    """The person whose data is asked for, and how to recognize it.

    `words`: the person's unique identifiers (id, account tokens, hash of the ID number), as UTF-8 bytes. `numbers`: a
    pattern that matches any telephone or account that the person ever held. `id_keys`: the keys of ID numbers' hashes.
    """

    resident: Resident
    words: tuple[bytes, ...]
    numbers: re.Pattern[bytes]
    id_keys: IdKeys

    def mentioned(self, key: bytes | None, value: bytes, at: datetime | None = None) -> bool:
        """Return True if a record of a topic is about the person: its key is the resident's id, or its value (bytes)
        contains one of their identifiers, numbers or hashes.

        `at`: the time of the record: numbers count only if the person held them then, or up to 7 days before. None:
        numbers of any time count.
        """
        named = key == self.resident.id.encode() or any(word in value for word in self.words)
        return named or self.numbered(value, at) or self._hashed(value)

    def numbered(self, value: bytes, at: datetime | None = None) -> bool:
        """Return True if `value` contains a complete telephone or account that the person held at `at`, or up to 7 days
        before.

        `at` None: one that the person ever held.
        """
        return any(at is None or self._had(found[1].decode(), at) for found in self.numbers.finditer(value))

    def _hashed(self, value: bytes) -> bool:
        """Return True if `value` contains the hash of the person's ID number, under another key than the entry's."""
        if self.resident.id_hash is None or not self.id_keys.later:
            return False
        return any(self.id_keys.same(self.resident.id_hash, found[0].decode()) for found in _ID_HASH.finditer(value))

    def _had(self, number: str, at: datetime) -> bool:
        return any(
            holding.value.removeprefix("+86") == number
            and (holding.since is None or holding.since <= at)
            and (holding.until is None or holding.until > at - LATE)
            for holding in (*self.resident.phones, *self.resident.accounts)
        )

    def signals(self, batch: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Yield, in their order, the signals of a record that name a number which the person held at the signal's time
        (ever, if it has no time), or the hash of their ID number.
        """
        for signal in batch:
            at = _moment(signal.get("at"))
            holdings = {"phones": self.resident.phones, "accounts": self.resident.accounts}
            named = any(_names(signal, fields, holdings[index], at) for index, fields in PARTIES.items())
            if named or self._paid_by_id(signal.get("payer_id")):
                yield signal

    def _paid_by_id(self, hashed: object) -> bool:
        """Return True if the hash of an ID number is that of the person's, under whichever key each was made."""
        own = self.resident.id_hash
        return own is not None and isinstance(hashed, str) and self.id_keys.same(own, hashed)

    def reports(self, report: Mapping[str, Any]) -> bool:
        """Return True if the person made a public report (as JSON).

        A victim's report that led to a case belongs to the case's resident. For any other, the reporter's telephone or
        account decides: the person must have held it when the report was made, or up to 7 days before (ever, if the
        report has no time). The person whom it accuses did not make it.
        """
        victim = report.get("reporter") != Reporter.WITNESS  # a witness's report has another's case
        if victim and report.get("case"):  # a family shares a telephone, so a number no longer decides
            return str(report["case"]).startswith(f"{self.resident.id}-")
        numbers = {_spelt("phone", report.get("phone")), _spelt("payer", report.get("from_account"))}
        return self._held_any(numbers, report)

    def owns(self, record: Mapping[str, Any]) -> bool:
        """Return True if a call, complaint or request (as JSON) is the person's: the resident whom it names decides, or
        else its telephone, which the person must have held at the record's time or up to 7 days before (ever, if the
        record has no time).

        False if it has neither: that its text mentions the person does not make it theirs.
        """
        if (who := record.get("resident")) is not None:
            return bool(who == self.resident.id)
        return "phone" in record and self._held_any({_spelt("phone", record["phone"])}, record)

    def suffered(self, fraud: Mapping[str, Any]) -> bool:
        """Return True if the person is the victim in a record of a reported fraud (as JSON): the ID number decides if
        both the record and the person's entry have one; or else its telephone or an account, which the person must have
        held when the fraud happened or was reported, or up to 7 days before.
        """
        if (hashed := fraud.get("id_hash")) is not None and self.resident.id_hash is not None:
            return self._paid_by_id(hashed)
        accounts = fraud.get("accounts")
        numbers = {_spelt("payer", each) for each in (accounts if isinstance(accounts, list) else [])}
        numbers |= {_spelt("phone", fraud.get("phone"))}
        times = [fraud.get("reported_at"), fraud.get("happened_to") or fraud.get("happened_from")]
        return any(self._held_any(numbers, {"at": at}) for at in times if at is not None)

    def _held_any(self, numbers: set[str], record: Mapping[str, Any]) -> bool:
        at = _moment(record.get("at"))
        return any(self.numbered(number.encode(), at) for number in numbers)


def subject(resident: Resident, keys: IdKeys) -> Subject:
    """Return how to recognize a resident's data in records. `keys`: those of the ID numbers' hashes; the first is also
    that of the other hashes. Each has at least 16 bytes.

    Raises ValueError if an account of the resident is invalid, or if they have an account and the first key is shorter.
    """
    tokens = [account_token(keys.first, holding.value) for holding in resident.accounts]
    words = [resident.id, *tokens, *([resident.id_hash] if resident.id_hash else [])]
    numbers = [holding.value.removeprefix("+86") for holding in (*resident.phones, *resident.accounts)]
    found = "|".join(map(re.escape, sorted(numbers))) or "(?!)"  # "(?!)" matches nothing
    pattern = re.compile(rf"(?<![0-9A-Za-z])(?:\+?86)?({found})(?![0-9A-Za-z])".encode())
    return Subject(resident, tuple(word.encode() for word in words), pattern, keys)


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
