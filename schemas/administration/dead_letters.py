"""Dead letters: records and rows that were refused, stored with their original bytes, so that no input is lost
silently.
"""

import base64
from datetime import date
from typing import Annotated, Self

from pydantic import Field, TypeAdapter

from schemas.base import Model, Note, Text, Token, When

KEPT_BYTES = 600_000  # in base64 and with the other fields, this still fits in one Kafka record


class RecordPlace(Model):
    """The position of a record on a topic. `item`: the index of a signal within the record, from 0; None: the whole
    record.
    """

    topic: Text
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    item: Annotated[int, Field(ge=0)] | None = None

    def __str__(self) -> str:
        item = "" if self.item is None else f"/{self.item}"
        return f"{self.topic}/{self.partition}/{self.offset}{item}"


class CallFile(Model):
    """How a file of call records is read. `format`: of the exchange that wrote it; `source`: the carrier's name in
    signals, counts and dead letters.

    `country`: two letters, of numbers without a country code. `area_code`: what is dialled before a local number to
    reach it from elsewhere, such as 0431; None: local numbers are refused.
    """

    format: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
    source: Token
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "CN"
    area_code: Annotated[str, Field(pattern=r"^[0-9]{1,6}$")] | None = None


class StixFile(Model):
    """How objects of STIX are read. `source`: the centre that sent them, as named in signals, counts and dead letters;
    `own`: the id of this centre's own STIX identity, whose objects are refused; None: this centre shares no objects.
    """

    source: Token
    own: Annotated[str, Field(pattern=r"^identity--[0-9a-f-]{36}$")] | None = None


class Reading(Model):
    """The settings needed to parse a row without its file: the file's header in base64, and the options of the import.

    `start`: the date (in Beijing) of day 0 in a file that counts days; `zone`: the time zone of the file's times;
    `mapping`: the text of a bank's mapping; `calls`: how call records are read; `stix`: how objects of STIX are read.
    None without one.
    """

    header: Annotated[str, Field(max_length=100_000)]
    start: date
    zone: Text
    mapping: Annotated[str, Field(max_length=8_192)] | None = None
    calls: CallFile | None = None
    stix: StixFile | None = None


class LinePlace(Model):
    """The position of a line in a file, counted from 1. `digest`: the first characters of the SHA-256 of the file's
    decompressed content; `reading`: the settings to parse the line without the file; None if its header was too long to
    keep.
    """

    file: Text
    digest: Text
    line: Annotated[int, Field(ge=1)]
    reading: Reading | None = None

    def __str__(self) -> str:
        return f"{self.digest}/{self.line}"


Place = RecordPlace | LinePlace


class DeadLetter(Model):
    """A refused record or row, with its origin (`where`) and the reason (`why`).

    `id` is made from the origin, so a record that is refused twice has one dead letter. `raw`: the first 600,000
    original bytes in base64; `size`: the number of all original bytes.
    """

    id: str
    source: Token
    at: When
    where: Place
    why: Note
    raw: str  # the first KEPT_BYTES of the original bytes, in base64
    size: Annotated[int, Field(ge=0)]  # number of original bytes

    @classmethod
    def of(cls, source: str, where: Place, why: str, raw: bytes, at: When) -> Self:
        """Return the dead letter for the refused bytes `raw`. `source`: the feed's name if known, else the topic's or
        the file format's; `where`: the origin, from which the id is made; `why`: the reason; `at`: the time of the
        refusal.

        Keeps only the first 600,000 bytes of `raw` and the first 2,000 characters of `why`; `size` is the number of all
        bytes. Raises ValidationError if `source` is not a valid Token, or `at` has no UTC offset or is outside 2000 to
        2099.
        """
        kept = base64.b64encode(raw[:KEPT_BYTES]).decode()
        return cls(id=str(where), source=source, at=at, where=where, why=why[:2000], raw=kept, size=len(raw))

    @property
    def content(self) -> bytes:
        """Return the refused record's original bytes, of a longer record only the first 600,000. Raises binascii.Error
        (a ValueError) if `raw` is not valid base64.
        """
        return base64.b64decode(self.raw)


letter_adapter: TypeAdapter[DeadLetter] = TypeAdapter(DeadLetter)
