"""Decrypts dead letters that were refused because their keys were lost, once these are there again: to send the letters
again, and to find those about a person.
"""

import base64
import logging
from collections.abc import Mapping
from contextlib import aclosing

import orjson

from schemas.administration.dead_letters import DeadLetter, RecordPlace, letter_adapter
from schemas.base import ANY_VERSION
from streams.dead_letters.repaired import CannotSendError
from streams.messaging.codec import BY_INTAKE, HANDED_ON, LOST, Awaited, KeyAwaitedError, Unreadable, is_sealed_whole
from streams.messaging.producer import Record
from streams.runtime.settings import Settings
from streams.security.intake_encryption import intake_keys, opened_values
from streams.security.record_encryption import record_encryption
from streams.security.vault import VaultError

log = logging.getLogger(__name__)

Opened = DeadLetter | CannotSendError


async def unsealed(settings: Settings, letters: Mapping[str, DeadLetter]) -> dict[str, Opened]:
    """Return each dead letter decrypted, by id; in place of one that still cannot be decrypted, a CannotSendError
    object (it is not raised).

    Those that were not encrypted are returned unchanged. Raises RedisError or KafkaError if the vault or Kafka is
    unavailable, and SettingsError if this process lacks a key.
    """
    found: dict[str, Opened] = dict(letters)
    records = {name: record for name, letter in letters.items() if (record := _sealed(letter)) is not None}
    if not records:
        return found
    async with aclosing(record_encryption(settings)) as encryption:
        try:
            values = await encryption.decode(list(records.values()))
        except VaultError as error:
            return found | dict.fromkeys(records, CannotSendError(str(error)))
    return found | {
        name: _with(letters[name], value) for name, value in zip(records, values, strict=True) if value is not None
    }


class LetterSearch:
    """Decrypts what intake had encrypted in dead letters, so that those about a person are found.

    `shut`: the number of dead letters seen so far that no key of this process opens, in which nobody can search.
    """

    def __init__(self, settings: Settings) -> None:
        self._keys, self.shut = intake_keys(settings), 0

    def searchable(self, value: bytes | None) -> bytes | None:
        """Return the value of a record of the topic of dead letters with its refused bytes decrypted; unchanged (also
        None) if it is no valid dead letter, its bytes are not encrypted as a whole, or no key opens them. The last case
        is counted in `shut`.

        Raises KeyAwaitedError if their key is on its way to this process: an erasure cannot be repeated, so it must not
        pass over the dead letter. Raises SettingsError if there are such bytes, and this process has no key for the
        purpose `intake`.
        """
        try:
            letter = letter_adapter.validate_json(value or b"", extra=ANY_VERSION)
        except ValueError:  # a foreign record, or one without its encrypted part
            return value
        if not isinstance(letter.where, RecordPlace) or not is_sealed_whole(letter.content):
            return value
        record = Record(letter.where.topic, b"", letter.content)
        content = opened_values([record], self._keys.private, self._keys.removed).get(0)
        if isinstance(content, Awaited):
            raise KeyAwaitedError(f"the dead letter {letter.id}: {content.told}")
        if content is None or isinstance(content, Unreadable):
            self.shut += 1
            return value
        return _with_content(letter, content).model_dump_json().encode()

    def tell(self) -> None:
        """Log a warning with the number of dead letters that could not be searched (`shut`), if there are any."""
        if self.shut:
            log.warning("%d dead letters were not searched: no key of this process opens them", self.shut)


def _sealed(letter: DeadLetter) -> Record | None:
    """Return the record that a letter was, if it may be encrypted; its key is its resident, if it names one."""
    if not isinstance(letter.where, RecordPlace) or letter.where.topic not in HANDED_ON | BY_INTAKE:
        return None
    if is_sealed_whole(letter.content):
        return Record(letter.where.topic, b"", letter.content)
    try:
        plain = orjson.loads(letter.content)
        return Record(letter.where.topic, plain["resident"].encode(), letter.content)
    except (ValueError, TypeError, KeyError, AttributeError):  # it was refused for another reason
        return None


def _with(letter: DeadLetter, content: bytes) -> Opened:
    if isinstance(content, Awaited):
        return CannotSendError(content.told)
    if isinstance(content, Unreadable):
        return CannotSendError(LOST)
    return _with_content(letter, content)


def _with_content(letter: DeadLetter, content: bytes) -> DeadLetter:
    return letter.model_copy(update={"raw": base64.b64encode(content).decode(), "size": len(content)})
