"""A file of residents as the tests write, import and read it."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import new_resident_id
from schemas.people.residents import Resident
from streams.repositories.residents.files import ImportReport, import_file
from streams.repositories.residents.register import Residents
from streams.repositories.residents.rows import read_row

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
KEYS = IdKeys(b"0123456789abcdef")
LATER = IdKeys(KEYS.first, (b"a later key of these tests, long",))
NUMBER = "990101198001010014"
HEADING = "name,phones,id_number,occupation,division,sex,birth_year"
ANNA = f"安某,+8614200000001,{NUMBER},retired,220102,,"


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


async def take(
    file: Path, register: Residents, *lines: str, encoding: str = "utf-8", keys: IdKeys = KEYS
) -> ImportReport:
    write(file, "\n".join([HEADING, *lines, ""]).encode(encoding))
    return await import_file(file, register, keys, at=NOW)


async def everybody(register: Residents) -> list[Resident]:
    return [entry async for batch in register.all() for entry in batch]


def read(**row: str) -> Resident:
    known = {"name": "某某", "birth_year": "1970", "sex": "女", "occupation": "retired", "division": "220102"}
    return read_row(known | row, KEYS, lambda: new_resident_id(os.urandom(10)), date(2026, 3, 1))
