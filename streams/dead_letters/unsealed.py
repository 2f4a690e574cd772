"""Decrypts dead letters that were refused because the vault had lost their keys, once it has the keys again."""

import base64
from collections.abc import Mapping
from contextlib import aclosing

import orjson

from schemas.administration.dead_letters import DeadLetter, RecordPlace
from streams.dead_letters.repaired import CannotSendError
from streams.messaging.codec import HANDED_ON, LOST, Unreadable
from streams.messaging.producer import Record
from streams.runtime.settings import Settings
from streams.security.record_encryption import record_encryption
from streams.security.vault import VaultError

Opened = DeadLetter | CannotSendError


async def unsealed(settings: Settings, letters: Mapping[str, DeadLetter]) -> dict[str, Opened]:
    """Return each letter decrypted, by id; a CannotSendError in place of one that still cannot be decrypted.

    Letters that were not encrypted are returned unchanged. Raises RedisError if the vault is unavailable.
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


def _sealed(letter: DeadLetter) -> Record | None:
    """Return the record that a letter was, if it may be encrypted; its key is its resident."""
    if not isinstance(letter.where, RecordPlace) or letter.where.topic not in HANDED_ON:
        return None
    try:
        plain = orjson.loads(letter.content)
        return Record(letter.where.topic, plain["resident"].encode(), letter.content)
    except (ValueError, TypeError, KeyError, AttributeError):  # it was refused for another reason
        return None


def _with(letter: DeadLetter, content: bytes) -> Opened:
    if isinstance(content, Unreadable):
        return CannotSendError(LOST)
    return letter.model_copy(update={"raw": base64.b64encode(content).decode(), "size": len(content)})
