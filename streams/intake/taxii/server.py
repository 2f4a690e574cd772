"""The TAXII 2.1 server, below /taxii2/: centres that the setting names read the suspects that this one shares.

A centre signs in with its source's key, by HTTP Basic or as a bearer token, and reads what is marked up to its level.
Nobody can write here. The objects have no data of a resident or victim, and no address has a number in it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.risk.sharing import Tlp
from streams.intake.admission import Admission
from streams.intake.formats.stix import STIX_OBJECTS
from streams.intake.rate import Rate
from streams.intake.settings import IntakeSettings, sharing_with
from streams.intake.taxii import MEDIA_TYPE, STIX_MEDIA_TYPE
from streams.intake.taxii.collection import SuspectsPage, collection_id, suspects_page, wanted_of
from streams.messaging import sources
from streams.repositories.shared_suspects import SharedSuspects
from streams.runtime.clock import Clock
from streams.runtime.cooperative import in_pieces
from streams.runtime.serving import Refused
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)

ROOT = "/taxii2/suspects/"
COST = 10  # of the rate of payee checks, for a page, however many suspects are passed over to make it
LOADING = {"Retry-After": "5"}
MOST_AT_ONCE = 8  # pages that are made or wait; each holds one of intake's connections, which signals need too
MOST_OF_ONE = 2  # pages of one centre, which asks for one after the other unless its client does not wait for answers
_EVERYBODY = "*"  # the holder of an embedded installation's key


class TaxiiServer:
    """The handlers of the TAXII server. Raises SettingsError if a setting is invalid.

    `shared`: the suspects, which something else keeps up to date.
    """

    def __init__(self, settings: Settings, intake: IntakeSettings, clock: Clock, shared: SharedSuspects) -> None:
        self._recipients: Mapping[str, Tlp] = sharing_with(intake)
        self._centre = intake.sharing_name or ""
        self._admission, self._rate = Admission(settings, intake), Rate(settings, intake, "shared_suspects")
        self._clock, self._shared = clock, shared
        self._collection = collection_id(self._centre)
        self._one = asyncio.Lock()  # of several pages, one is made at a time: a signal waits for a slice of one
        self._pages: Counter[str] = Counter()  # that are made or wait, of each centre

    async def discovery(self, request: Request) -> Response:
        """Answer with the title of the server and the address of its one API root. Raises Refused: 401 without a valid
        key, 403 if nothing is shared with its holder, 406 if the client does not accept TAXII 2.1.
        """
        self._admitted(request)
        root = f"{request.url.scheme}://{request.url.netloc}{ROOT}"
        return _answer({"title": self._centre, "default": root, "api_roots": [root]})

    async def api_root(self, request: Request) -> Response:
        """Answer with the title of the API root and the version of TAXII. Raises Refused: 401 without a valid key, 403
        if nothing is shared with its holder, 406 if the client does not accept TAXII 2.1.
        """
        self._admitted(request)
        return _answer({"title": self._centre, "versions": [MEDIA_TYPE], "max_content_length": 1})

    async def collections(self, request: Request) -> Response:
        """Answer with the list of collections, which has one. Raises Refused: 401 without a valid key, 403 if nothing
        is shared with its holder, 406 if the client does not accept TAXII 2.1.
        """
        self._admitted(request)
        return _answer({"collections": [self._about()]})

    async def collection(self, request: Request) -> Response:
        """Answer with the description of the collection. Raises Refused: 401 without a valid key, 403 if nothing is
        shared with its holder, 406 if the client does not accept TAXII 2.1, 404 for another collection.
        """
        self._admitted(request)
        self._require_collection(request)
        return _answer(self._about())

    async def objects(self, request: Request) -> Response:
        """Answer with a page of objects that the centre may read; with one object if the path names it. Counts the
        objects in a metric.

        Raises Refused: 401 without a valid key, 403 if nothing is shared with its holder, 406 if the client does not
        accept TAXII 2.1, 404 for another collection or if there is no object of the id in the path, 400 if a parameter
        is invalid, 429 over the rate, 503 while the suspects are loaded or too many pages are being made.
        """
        source, page = await self._page(request)
        STIX_OBJECTS.labels(sources.label(source), "served").inc(len(page.held))
        return _answer(page.objects(), page.headers())

    async def manifest(self, request: Request) -> Response:
        """Answer with a page of the manifest: the objects' ids, times and versions.

        Raises Refused with the status 400, 401, 403, 404, 406, 429 or 503, for the reasons given at `objects`.
        """
        _, page = await self._page(request)
        return _answer(page.manifest(), page.headers())

    async def versions(self, request: Request) -> Response:
        """Answer with the versions of the object that the path names: there is only one.

        Raises Refused with the status 400, 401, 403, 404, 406, 429 or 503, for the reasons given at `objects`.
        """
        _, page = await self._page(request)
        return _answer(page.versions(), page.headers())

    async def refuse(self, request: Request) -> Response:
        """Raise Refused (403): nobody can write here. Raises Refused also with 401 without a valid key, 404 for another
        collection, and 406 if the client does not accept TAXII 2.1.
        """
        self._admitted(request)
        self._require_collection(request)
        raise Refused(403, "the collection can only be read", "Send suspects to your own centre's intake")

    async def _page(self, request: Request) -> tuple[str, SuspectsPage]:
        source, highest = self._admitted(request)
        self._require_collection(request)
        name = request.path_params.get("name")
        wanted = wanted_of(request.query_params, name)
        await self._rate.require(source, COST)
        async with self._turn(source):
            if (suspects := self._shared.suspects) is None:
                raise Refused(503, "the suspects are being loaded", "Ask again in 5 s", LOADING)
            page = await suspects_page(suspects, self._centre, highest, wanted, self._clock.now(), in_pieces())
        if name is not None and not page.held:
            raise Refused(404, "no object of this id, or none that this centre may read", "Ask for the manifest")
        return source, page

    @asynccontextmanager
    async def _turn(self, source: str) -> AsyncIterator[None]:
        """Context manager: wait until no other page is made. Raises Refused (503) if too many of the centre, or of all,
        are made or wait.
        """
        if self._pages[source] >= MOST_OF_ONE or self._pages.total() >= MOST_AT_ONCE:
            raise Refused(503, "other pages are being made", "Ask again in 5 s, for one page at a time", LOADING)
        self._pages[source] += 1
        try:
            async with self._one:
                yield
        finally:
            self._pages[source] -= 1

    def _admitted(self, request: Request) -> tuple[str, Tlp]:
        """Return the centre that asks, and the widest mark that it may read. Raises Refused: 401 without a valid key,
        403 if nothing is shared with its holder, 406 if it accepts no TAXII 2.1.
        """
        feed = self._admission.feed(request, basic=True)
        if not _accepts(request.headers.get("accept", "*/*")):
            raise Refused(406, "the client does not accept TAXII 2.1", f"Send Accept: {MEDIA_TYPE}")
        if feed.source is None:
            return _EVERYBODY, Tlp.AMBER
        if feed.source not in self._recipients:
            raise Refused(403, "nothing is shared with this source", "Ask the centre to name it in QUANZU_SHARING")
        return feed.source, self._recipients[feed.source]

    def _about(self) -> dict[str, object]:
        about = {"id": self._collection, "title": "suspects", "can_read": True, "can_write": False}
        return about | {"media_types": [STIX_MEDIA_TYPE]}

    def _require_collection(self, request: Request) -> None:
        if request.path_params.get("collection") != self._collection:
            raise Refused(404, "no such collection", f"Ask {ROOT}collections/ which there are")


@asynccontextmanager
async def sharing(settings: Settings, intake: IntakeSettings, clock: Clock) -> AsyncIterator[list[Route]]:
    """Context manager: yield the routes of the TAXII server, and keep its suspects up to date during the block; yield
    an empty list if nothing is shared. Raises SettingsError if a setting is invalid.
    """
    if not sharing_with(intake):
        yield []
        return
    shared = SharedSuspects(settings)
    following = asyncio.create_task(shared.run())
    following.add_done_callback(partial(_stop_if_failed, shared))
    try:
        yield taxii_routes(TaxiiServer(settings, intake, clock, shared))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _stop_if_failed(shared: SharedSuspects, following: asyncio.Task[None]) -> None:
    """Serve nothing more if the topic is no longer followed: a list without its withdrawals harms the innocent."""
    if not following.cancelled() and (error := following.exception()) is not None:
        shared.suspects = None
        log.error("suspects are shared no longer; run `quanzu doctor`, then start intake again: %s", error)


def taxii_routes(server: TaxiiServer) -> list[Route]:
    """Return the routes of the TAXII server, each with the slash at its end that the standard has. They answer a
    Refused of the server with the standard's error message.
    """
    one = f"{ROOT}collections/{{collection}}/"
    reads = (
        ("/taxii2/", server.discovery),
        (ROOT, server.api_root),
        (f"{ROOT}collections/", server.collections),
        (one, server.collection),
        (f"{one}manifest/", server.manifest),
        (f"{one}objects/", server.objects),
        (f"{one}objects/{{name}}/", server.objects),
        (f"{one}objects/{{name}}/versions/", server.versions),
    )
    writes = ((f"{one}objects/", "POST"), (f"{one}objects/{{name}}/", "DELETE"))
    return [
        *(Route(path, _in_taxii(handler), methods=["GET"]) for path, handler in reads),
        *(Route(path, _in_taxii(server.refuse), methods=[method]) for path, method in writes),
    ]


def _in_taxii(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler with refusals answered as the standard's error messages."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            told = {"title": refused.what, "description": refused.do, "http_status": str(refused.status)}
            return _answer(told, refused.headers, refused.status)

    return answered


def _accepts(accept: str) -> bool:
    """Return True if an Accept header allows TAXII 2.1. A type without a version means the latest one."""
    for told in accept.split(","):
        kind, _, parameters = told.strip().lower().replace(" ", "").partition(";")
        version = next((each[8:] for each in parameters.split(";") if each.startswith("version=")), "2.1")
        if kind in ("*/*", "application/*") or (kind == "application/taxii+json" and version == "2.1"):
            return True
    return False


def _answer(found: Mapping[str, Any], headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    return Response(orjson.dumps(found), status, dict(headers or {}), MEDIA_TYPE)
