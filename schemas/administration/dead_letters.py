"""What could not be read, kept as it came: nothing is dropped without a trace."""

import base64
from datetime import date
from typing import Annotated, Self

from pydantic import Field, TypeAdapter

from schemas.base import Model, Note, Text, Token, When

KEPT_BYTES = 600_000  # in base 64 and with what stands around it still one Kafka record


class RecordPlace(Model):
    """A record of a topic. `item`: which of a record's signals, from 0; none when the whole record is meant."""

    topic: Text
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    item: Annotated[int, Field(ge=0)] | None = None

    def __str__(self) -> str:
        item = "" if self.item is None else f"/{self.item}"
        return f"{self.topic}/{self.partition}/{self.offset}{item}"


class Reading(Model):
    """What a row needs to be read again: the file's header in base 64, and what the file did not say."""

    header: Annotated[str, Field(max_length=100_000)]
    start: date
    zone: Text


class LinePlace(Model):
    """A line of a file, from 1. `digest`: the beginning of the SHA-256 of what the file holds, unpacked."""

    file: Text
    digest: Text
    line: Annotated[int, Field(ge=1)]
    reading: Reading | None = None

    def __str__(self) -> str:
        return f"{self.digest}/{self.line}"


Place = RecordPlace | LinePlace


class DeadLetter(Model):
    """What was refused, from where and why. `id` is the place's: the same thing refused again is the same letter."""

    id: str
    source: Token
    at: When
    where: Place
    why: Note
    raw: str  # the bytes as they came, in base 64; the first KEPT_BYTES of them
    size: Annotated[int, Field(ge=0)]  # how many bytes came

    @classmethod
    def of(cls, source: str, where: Place, why: str, raw: bytes, at: When) -> Self:
        """The letter for `raw`; `source` is the feed's name when it is known, else the topic's or the format's."""
        kept = base64.b64encode(raw[:KEPT_BYTES]).decode()
        return cls(id=str(where), source=source, at=at, where=where, why=why[:2000], raw=kept, size=len(raw))

    @property
    def content(self) -> bytes:
        """The bytes as they came, as far as they are kept."""
        return base64.b64decode(self.raw)


letter_adapter: TypeAdapter[DeadLetter] = TypeAdapter(DeadLetter)
