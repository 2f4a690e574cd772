"""Reads the suspects of another centre from its TAXII 2.1 server, page by page, and hands each page to intake.

The server is not trusted: its answers are limited in size and number, lead nowhere else, and must go on. The time up to
which objects were taken in is stored after each page, so that an interrupted or later poll goes on there.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import orjson
from pydantic import BaseModel, ValidationError

from schemas.base import When, encrypted_or_local
from schemas.errors import UserError
from streams.intake.files import FileReport
from streams.intake.row_files import LONGEST_FILE
from streams.intake.taxii import MEDIA_TYPE

MOST_PAGES = 1_000  # of one poll; the next one goes on
PAGE_OBJECTS = 500
LONGEST_NEXT = 1_024  # characters
SECONDS = 60.0  # for one page
LONGEST_URL = 1_024
_COLLECTION = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)

TakePage = Callable[[bytes], Awaitable[FileReport]]
"""Takes in the objects of a page, and returns the report once all of them are accepted or dead letters."""


class TaxiiError(UserError, RuntimeError):
    """The server of the other centre cannot be asked, or its answer is unusable. The text gives the reason, and what to
    do.
    """


@dataclass(frozen=True, slots=True)
class TaxiiSource:
    """Another centre's collection. `source`: the centre's name here; `root`: the address of the API root.

    `key`: its key for this centre, sent as a bearer token, or as the password of `user`. Raises TaxiiError if `root` is
    not https:// (http:// is for this machine only) or the collection's id is invalid.
    """

    source: str
    root: str
    collection: str
    key: str = field(repr=False)
    user: str | None = None

    def __post_init__(self) -> None:
        if not encrypted_or_local(self.root) or len(self.root) > LONGEST_URL or urlsplit(self.root).query:
            raise TaxiiError("the address of the API root is not https://HOST/PATH/: correct it")
        if not _COLLECTION.fullmatch(self.collection):
            raise TaxiiError("the collection is not an id as its server lists it: correct --collection")

    @property
    def objects(self) -> str:
        """The URL of the collection's objects."""
        return f"{self.root.rstrip('/')}/collections/{quote(self.collection)}/objects/"


class PollState(BaseModel):
    """How far a collection was read. `added_after`: all objects that were added until then were accepted or became dead
    letters; None: nothing was read yet.
    """

    added_after: When | None = None


class PollReport(BaseModel):
    """The counts of a poll: pages, and objects (`rows`) by what became of them; `reasons`: number of dead letters by
    reason. `added_after`: how far the collection was read. `whole`: False if the server has more, which the next poll
    reads.
    """

    source: str
    pages: int = 0
    rows: int = 0
    accepted: int = 0
    dead_lettered: int = 0
    skipped: int = 0
    reasons: dict[str, int] = {}
    added_after: datetime | None = None
    whole: bool = True

    def add(self, page: FileReport) -> None:
        """Add the counts of a page to this report."""
        self.pages += 1
        self.rows += page.rows
        self.accepted += page.accepted
        self.dead_lettered += page.dead_lettered
        self.skipped += page.skipped
        for reason, number in page.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + number


@dataclass(frozen=True, slots=True)
class _Answer:
    content: bytes
    objects: int
    following: str | None  # the token of the next page
    more: bool
    last: datetime | None  # when the last object was added


def state_file(data: Path, source: TaxiiSource) -> Path:
    """Return the path of the file, in the folder `data`, that stores how far a collection was read. The file need not
    exist.
    """
    name = hashlib.sha256(f"{source.source} {source.objects}".encode()).hexdigest()[:16]
    return data / f".taxii-{source.source}-{name}.json"


async def poll(
    source: TaxiiSource, take: TakePage, state: Path, now: datetime, client: httpx.AsyncClient
) -> PollReport:
    """Call `take` with each page of objects that were added since the last poll, and return the report. `state`: the
    file that stores how far the collection was read; it is written after each page that has the time of its last
    object. `now`: no later time is stored.

    At most 1,000 pages are read; `whole` of the report is False if there are more. Raises TaxiiError if the server
    cannot be asked, its answer is unusable or `state` is invalid; OSError if `state` cannot be read or written; and
    what `take` raises. Pages before the error are stored as read.
    """
    report = PollReport(source=source.source, added_after=_stored(state).added_after)
    began, following, seen = report.added_after, None, set[str]()
    for asked in range(1, MOST_PAGES + 1):
        answer = await _asked(source, client, began, following)
        if answer.objects:
            report.add(await take(answer.content))
        if answer.last is not None:
            report.added_after = max(filter(None, (report.added_after, min(answer.last, now))))
            _store(state, PollState(added_after=report.added_after))
        if not answer.more:
            return report
        if asked == MOST_PAGES:
            break
        if answer.following is None:  # TAXII 2.1, 3.4: go on after the last object's time
            began, following = _onward(began, report.added_after), None
        elif answer.following in seen:
            raise TaxiiError(f"{source.source}: the server gives the same page without end. Tell its operator")
        else:
            seen.add(answer.following)
            following = answer.following
    report.whole = False
    return report


def _onward(before: datetime | None, reached: datetime | None) -> datetime:
    if reached is None or (before is not None and reached <= before):
        raise TaxiiError("the server has more objects, and does not say how to get them. Tell its operator")
    return reached


async def _asked(
    source: TaxiiSource, client: httpx.AsyncClient, after: datetime | None, following: str | None
) -> _Answer:
    asked = {"limit": str(PAGE_OBJECTS), "match[type]": "indicator"}
    asked |= {} if after is None else {"added_after": f"{after.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}
    asked |= {} if following is None else {"next": following}
    headers = {"Accept": MEDIA_TYPE, "Accept-Encoding": "identity"}
    auth = httpx.BasicAuth(source.user, source.key) if source.user else None
    if auth is None:
        headers["Authorization"] = f"Bearer {source.key}"
    try:
        request = client.build_request("GET", source.objects, params=asked, headers=headers, timeout=SECONDS)
        async with asyncio.timeout(SECONDS):
            response = await client.send(request, auth=auth, stream=True, follow_redirects=False)
            try:
                return _answer_of(source, response, await _body(source, response))
            finally:
                await response.aclose()
    except (httpx.HTTPError, TimeoutError) as error:
        raise TaxiiError(f"{source.source}: its server does not answer ({type(error).__name__}). Try later") from None


async def _body(source: TaxiiSource, response: httpx.Response) -> bytes:
    """Return the body of a successful answer. Raises TaxiiError if it is another answer, or over 16 MiB."""
    if response.status_code != 200:
        raise TaxiiError(f"{source.source}: its server answers {response.status_code}{_hint(response.status_code)}")
    if not response.headers.get("content-type", "").lower().startswith("application/taxii+json"):
        raise TaxiiError(f"{source.source}: the answer is not TAXII 2.1. Name the API root, not another page")
    if response.headers.get("content-encoding", "identity") != "identity":  # was not asked for, and may be a bomb
        raise TaxiiError(f"{source.source}: the answer is compressed. Tell its operator")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LONGEST_FILE:
            raise TaxiiError(f"{source.source}: a page has over {LONGEST_FILE // 2**20} MiB. Tell its operator")
    return bytes(body)


def _hint(status: int) -> str:
    match status:
        case 401 | 403:
            return ": have it share with this centre, and check the key"
        case 404:
            return ": check the API root and the collection"
        case 406:
            return ": it does not speak TAXII 2.1"
        case 429 | 503:
            return ": ask later"
        case _:
            return ""


def _answer_of(source: TaxiiSource, response: httpx.Response, body: bytes) -> _Answer:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or "type" in value:
        raise TaxiiError(f"{source.source}: the answer is not an envelope of TAXII. Tell its operator")
    found, following = value.get("objects", []), value.get("next")
    if following is not None and not (isinstance(following, str) and 0 < len(following) <= LONGEST_NEXT):
        raise TaxiiError(f"{source.source}: next is not a text of 1 to {LONGEST_NEXT:,} characters")
    objects = len(found) if isinstance(found, list) else 1  # anything else becomes a dead letter
    last, more = _when(response.headers.get("x-taxii-date-added-last")), value.get("more") is True
    if more and not objects:  # refused before the time is stored, which would pass over what was not sent
        raise TaxiiError(f"{source.source}: the server gives empty pages without end. Tell its operator")
    return _Answer(body, objects, following, more, last)


def _when(told: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(told) if told and _TIME.fullmatch(told) else None
        return PollState(added_after=found).added_after
    except ValueError:
        return None


def _stored(state: Path) -> PollState:
    try:
        return PollState.model_validate_json(state.read_bytes())
    except FileNotFoundError:
        return PollState()
    except ValidationError:
        raise TaxiiError(f"{state}: not how far the collection was read. Remove it to read all of it again") from None


def _store(state: Path, reached: PollState) -> None:
    state.parent.mkdir(parents=True, exist_ok=True)
    made = state.with_name(f"{state.name}.{os.getpid()}")
    made.write_text(reached.model_dump_json(), encoding="utf-8")
    made.replace(state)
