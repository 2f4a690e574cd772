"""Mappings of files that others export: each declares how the columns, units and words of a file become fields here.

The parts that the mappings of banks' files (bank_mapping) and of police records (fraud_mapping) share. A mapping is a
TOML file that the owner's developer or the centre writes. It cannot run code or read anything. An error names the file,
the key and the correction.
"""

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from schemas.base import Model, Token
from schemas.errors import UserError

LONGEST = 8_192  # characters of a mapping's text: it is kept with each dead letter
MOST_COLUMNS = 1_000
WIDEST = 4_096  # bytes or characters of a fixed-width column
EPOCHS = frozenset({"unix", "unix_ms"})
_DIRECTIVES = frozenset("YymdHMSfz%")  # the others depend on the machine's language
_SAMPLE = datetime(2026, 3, 1, 11, 12)  # noqa: DTZ001 - a format is tried on it; it is no moment


class FileMappingError(UserError, ValueError):
    """A mapping cannot be used. The text names the file and each faulty key, with the correction."""


def _column(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise ValueError("a column's name has printable characters, and no blanks around them")
    return name


Column = Annotated[str, StringConstraints(max_length=128), AfterValidator(_column)]
Columns = Annotated[
    tuple[Column, ...],
    Field(min_length=1, max_length=4),
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
Lines = Annotated[int, Field(strict=True, ge=0, le=100)]
Width = Annotated[int, Field(strict=True, ge=1, le=WIDEST)]


def _footer(word: str) -> str:
    if len(word) < 2 or word.isdecimal():
        raise ValueError(
            "a footer begins with a word of two characters or more, such as 合计; digits may begin a payment"
        )
    return word


Footer = Annotated[Word, AfterValidator(_footer)]


def _delimiter(sign: str) -> str:
    if any(char.isalnum() or char in ".\r\n\0" for char in sign):
        raise ValueError("it must not occur in a value: no letter, digit, point or line end")
    return sign


def _quote(sign: str) -> str:
    if sign.isalnum() or not sign.isprintable():
        raise ValueError('a sign such as ", or "" if values are not quoted')
    return sign


class _File(Model):
    """`skip_first`: lines before the header, or before the first row. `footer`: how lines without a payment begin."""

    skip_first: Lines = 0
    footer: tuple[Footer, ...] = ()


class Delimited(_File):
    """A text file whose rows have a delimiter of one to four characters. `quote`: the sign around values; "": none.

    `names`: the columns of a file without a header; None: the file has a header that names them.
    """

    format: Literal["delimited"]
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=4), AfterValidator(_delimiter)] = ","
    quote: Annotated[str, StringConstraints(max_length=1), AfterValidator(_quote)] = '"'
    names: tuple[Column, ...] | None = None

    @model_validator(mode="after")
    def _splits(self) -> Self:
        if self.quote and (len(self.delimiter) > 1 or self.quote == self.delimiter):
            raise ValueError('by this delimiter, values cannot be quoted. Write quote = ""')
        return self

    @property
    def declared(self) -> tuple[Column, ...] | None:
        """The columns in order, if the mapping names them; None if the file's header does."""
        return self.names


class FixedColumn(Model):
    """A column of a file of fixed widths. `width`: in bytes or characters, as the file's `widths_in` says."""

    name: Column
    width: Width


class Fixed(_File):
    """A text file whose columns have fixed widths, in bytes of the encoding or in characters. It has no header."""

    format: Literal["fixed"]
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    widths_in: Literal["bytes", "characters"] = "bytes"
    columns: Annotated[tuple[FixedColumn, ...], Field(min_length=1, max_length=MOST_COLUMNS)]

    @property
    def declared(self) -> tuple[Column, ...]:
        """The columns in order, as the mapping names them."""
        return tuple(column.name for column in self.columns)


class Workbook(_File):
    """A sheet of an Excel workbook (.xlsx), with a header. `sheet`: its name; None: the first sheet."""

    format: Literal["xlsx"]
    sheet: Annotated[str, StringConstraints(min_length=1, max_length=31)] | None = None

    @property
    def declared(self) -> None:
        """None, because the sheet's header names the columns."""
        return


class Amount(Model):
    """The notation of money in the file. `unit`: "wan_yuan" is 10,000 yuan. `thousands`: the separator; "": none.

    `sign`: "none": a minus is an error. "out_is_minus": a payment out has a minus, and a row without one is an error.
    "ignored": the sign is dropped.
    """

    unit: Literal["yuan", "fen", "wan_yuan"]
    thousands: Literal["", ",", "'", " "] = ""
    sign: Literal["none", "out_is_minus", "ignored"] = "none"


def _time_format(text: str) -> str:
    if text in EPOCHS:
        return text
    if unknown := sorted(set(re.findall(r"%(.?)", text)) - _DIRECTIVES):
        raise ValueError(f"%{unknown[0]} is not allowed. Write %Y %y %m %d %H %M %S %f and %z only, or unix, unix_ms")
    try:
        written = _SAMPLE.astimezone().strftime(text) if "%z" in text else _SAMPLE.strftime(text)
        read = datetime.strptime(written, text).replace(tzinfo=None)  # noqa: DTZ007 - compared with the sample
    except (ValueError, re.error):
        raise ValueError('not a format of times. Write one such as "%Y-%m-%d %H:%M:%S"') from None
    if read != _SAMPLE:
        raise ValueError("it must have the year, month, day, hour and minute (%Y %m %d %H %M)")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("no such time zone. Write Asia/Shanghai, or another name of the IANA list") from None
    return name


class TimeRules(Model):
    """The notation of times in the file. `format`: as for strptime, or "unix" (seconds since 1970), or "unix_ms"
    (milliseconds since 1970).

    `zone`: the IANA time zone of times without an offset.
    """

    format: Annotated[str, StringConstraints(min_length=2, max_length=64), AfterValidator(_time_format)]
    zone: Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)] = "Asia/Shanghai"

    @cached_property
    def tzinfo(self) -> ZoneInfo:
        """The time zone of times without an offset."""
        return ZoneInfo(self.zone)

    @cached_property
    def compact(self) -> str | None:
        """The part of the time format before fractions and offset, if it has two fields without a separator between
        them (as %Y%m%d); else None.

        A time in a compact format must have all its digits, because 2026311 could be the 11th of March or a 31st.
        """
        return re.split("%[fz]", self.format)[0] if re.search(r"%[a-zA-Z]%[a-zA-Z]", self.format) else None


class MappedColumns(Model):
    """Which column gives which field of a row. A field has the name of a column, several names, or None.

    `id_number_field`: the field whose column has ID numbers.
    """

    id_number_field: ClassVar[str]

    @property
    def all(self) -> Iterator[Column]:
        """The name of each column that the mapping reads, one after the other."""
        for value in self.__dict__.values():
            yield from (value,) if isinstance(value, str) else value or ()

    @property
    def secret(self) -> Column | None:
        """The column of ID numbers, which are hashed at once and stored nowhere; None if the mapping reads none."""
        column: Column | None = getattr(self, self.id_number_field)
        return column


class FileMapping(Model):
    """The part that all mappings have. `source`: the name of the file's owner in records, counts and dead letters.
    `text`: the TOML text.
    """

    source: Token
    file: Annotated[Delimited | Fixed | Workbook, Field(discriminator="format")]
    columns: MappedColumns
    time: TimeRules
    text: str = Field(default="", exclude=True)

    @property
    def hash(self) -> str:
        """The first 16 hex digits of the SHA-256 of the mapping's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


Kind = TypeVar("Kind", bound=FileMapping)


def load_as(kind: type[Kind], text: str, name: str) -> Kind:
    """Return the mapping of the `kind` in a TOML text. `name`: the file's name, for error texts.

    Raises FileMappingError if the text has over 8,192 characters, is not TOML, is nested too deep, or is invalid or
    incomplete as a mapping.
    """
    if len(text) > LONGEST:
        raise FileMappingError(f"{name}: {len(text):,} characters. A mapping has {LONGEST:,} at most")
    try:
        return kind.model_validate(tomllib.loads(text) | {"text": text})
    except tomllib.TOMLDecodeError as error:
        raise FileMappingError(f"{name}: not TOML: {error}") from None
    except RecursionError:
        raise FileMappingError(f"{name}: nested too deep. A mapping has tables of plain values") from None
    except ValidationError as error:
        lines = _lines(error.errors(include_url=False, include_context=True))
        raise FileMappingError("\n".join(f"{name}, {line}" for line in lines)) from None


def column_faults(mapping: FileMapping) -> Iterator[str]:
    """Yield what is wrong with the columns: the one of ID numbers gives another field too; the names that the mapping
    declares are none, over 1,000, or not all different; or a column is not among them.
    """
    number = mapping.columns.secret
    if number is not None and list(mapping.columns.all).count(number) > 1:
        yield (
            f"[columns] {mapping.columns.id_number_field}: the column gives another field too, which is stored. "
            "Name the ID number's own column"
        )
    names = mapping.file.declared
    if names is None:
        return
    key = "file.names" if isinstance(mapping.file, Delimited) else "file.columns"
    if len(names) > MOST_COLUMNS or not names:
        yield f"[{key}] {len(names)} columns. Name 1 to {MOST_COLUMNS:,}"
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        yield f"[{key}] {twice[0]} is there twice. Give each column its own name"
    if missing := [name for name in mapping.columns.all if name not in names]:
        yield f"[columns] {missing[0]} is not among the columns of [{key}]. Correct one of them"


# --- error texts ------------------------------------------------------------------------------------------------------

_FORMATS = frozenset({"delimited", "fixed", "xlsx"})  # pydantic's name of the chosen kind of file, no key of the TOML


def _lines(faults: Iterable[Any]) -> Iterator[str]:
    for fault in faults:
        if not fault["loc"]:  # found by the whole mapping, which has named the key
            yield from fault["msg"].removeprefix("Value error, ").splitlines()
            continue
        yield f"{_key(fault['loc'])}: {_said(fault)}"


def _key(place: tuple[str | int, ...]) -> str:
    """Return the key as TOML has it: [file] delimiter. A long or unprintable name is cut."""
    parts = [str(part) for at, part in enumerate(place) if not (at == 1 and place[0] == "file" and part in _FORMATS)]
    *tables, key = ["".join(filter(str.isprintable, part))[:64] for part in parts if part != "[key]"]
    return f"[{'.'.join(tables)}] {key}" if tables else key


def _said(fault: Any) -> str:  # noqa: ANN401 - a detail of pydantic's
    match fault["type"]:
        case "missing":
            return "it is missing. Add it"
        case "extra_forbidden":
            return "no such key here. Leave it out, or correct its name"
        case "union_tag_not_found" | "union_tag_invalid":
            return 'it needs a format. Write format = "delimited", "fixed" or "xlsx"'
        case "literal_error" | "enum":
            return f"not a known value. Write {fault['ctx']['expected']}"
        case "string_type":
            return 'not a text. Write one in quotes, such as "流水号"'
        case "tuple_type":
            return 'not a list. Write one such as ["流水号", "日期"]'
        case _:
            return f"{fault['msg'].removeprefix('Value error, ')}. Correct it".replace("..", ".")
