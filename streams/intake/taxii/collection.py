"""The one collection of suspects: which objects a request gets, and the page that answers it."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid5

from starlette.datastructures import QueryParams

from domain.risk.sharing import LEVELS, may_receive
from domain.stix.objects import BEGAN, OURS, Stix, identity_of, indicator_id, indicator_of, marking_of, valid
from schemas.risk.sharing import Tlp
from streams.intake.taxii import STIX_MEDIA_TYPE
from streams.repositories.shared_suspects import TICK, SuspectsByTime
from streams.runtime.cooperative import Pause
from streams.runtime.serving import Refused

MOST_IN_PAGE = 1_000
USUAL_PAGE = 100
LONGEST_QUERY = 4_096  # characters
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class HeldObject:
    """An object of the collection, and when it was added."""

    added: datetime
    stix: Stix

    @property
    def version(self) -> str:
        """The object's version, a STIX timestamp: when it was last modified, or created if it has no time of
        modification.
        """
        return str(self.stix.get("modified", self.stix["created"]))


@dataclass(frozen=True, slots=True)
class WantedObjects:
    """The filter of a request. `after`: only objects added later, None: all; `most`: how many in one page. `ids`,
    `types`, `specs` (versions of STIX), `versions`: only objects with one of these; None: any.
    """

    after: datetime | None
    most: int
    ids: frozenset[str] | None
    types: frozenset[str] | None
    specs: frozenset[str] | None
    versions: frozenset[str] | None

    def fits(self, held: HeldObject) -> bool:
        """Return True if the object passes the filter; `after` and `most` are not applied here. An object has only one
        version here, so the versions `first`, `last` and `all` fit every object.
        """
        stix = held.stix
        asked = ((self.ids, stix["id"]), (self.types, stix["type"]), (self.specs, stix["spec_version"]))
        if any(only is not None and told not in only for only, told in asked):
            return False
        return self.versions is None or not self.versions.isdisjoint({"first", "last", "all", held.version})


@dataclass(frozen=True, slots=True)
class SuspectsPage:
    """The objects that answer a request, the earliest added first. `more`: True if others follow on a next page."""

    held: Sequence[HeldObject]
    more: bool

    def objects(self) -> Stix:
        """Return the TAXII envelope of the objects, as JSON values: `more`, `next` if others follow, and `objects`;
        empty without objects.
        """
        return self._with([each.stix for each in self.held])

    def manifest(self) -> Stix:
        """Return the TAXII manifest, as JSON values: `more`, `next` if others follow, and the id, time of addition,
        version and media type of each object; empty without objects.
        """
        return self._with([_manifest(each) for each in self.held])

    def versions(self) -> Stix:
        """Return the versions of the page's objects, as JSON values: `versions`, a list of STIX timestamps; empty
        without objects.
        """
        told = [each.version for each in self.held]
        return {"versions": told} if told else {}

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers with the times (UTC) at which the first and the last object of the page were added;
        empty without objects.
        """
        if not self.held:
            return {}
        first, last = self.held[0].added, self.held[-1].added
        return {"X-TAXII-Date-Added-First": _added(first), "X-TAXII-Date-Added-Last": _added(last)}

    def _with(self, found: list[Stix]) -> Stix:
        if not found:
            return {}
        following = {"next": str((self.held[-1].added - _EPOCH) // _MICROSECOND)} if self.more else {}
        return {"more": self.more, **following, "objects": found}


def collection_id(centre: str) -> str:
    """Return the id (a UUID) of the collection of the centre with this name; it is the same on every call."""
    return str(uuid5(OURS, f"collection {centre}"))


def wanted_of(query: QueryParams, name: str | None = None) -> WantedObjects:
    """Return the filter that a request's parameters describe. `name`: the id of the only object that is wanted, in
    place of the parameter match[id]; None: of any object. Unknown parameters are ignored. Without `limit` a page has
    100 objects; it never has over 1,000.

    Raises Refused (400) if a parameter is invalid, or all together have over 4,096 characters.
    """
    if sum(len(key) + len(value) for key, value in query.multi_items()) > LONGEST_QUERY:
        raise Refused(400, f"the parameters have over {LONGEST_QUERY:,} characters", "Ask for less")
    after, following = _time(query, "added_after"), _next(query)
    ids = _listed(query, "match[id]")
    return WantedObjects(
        after=max(after, following) if after and following else following or after,
        most=_limit(query),
        ids=ids if name is None else frozenset({name}),
        types=_listed(query, "match[type]"),
        specs=_listed(query, "match[spec_version]"),
        versions=_listed(query, "match[version]"),
    )


async def suspects_page(
    suspects: SuspectsByTime, centre: str, highest: Tlp, wanted: WantedObjects, now: datetime, pause: Pause
) -> SuspectsPage:
    """Return the page of objects that answers a request of a recipient who may read up to the mark `highest`, the
    earliest added first; empty if none fits. `centre`: the name of the centre that shares. `now`: suspects that are no
    longer shared at this time are left out. `pause`: awaited at each suspect, so that a large collection delays no
    signal. A version that is added meanwhile is in a later page.
    """
    found: list[HeldObject] = []
    async for held in _held(suspects, centre, highest, wanted, now, pause):
        if wanted.fits(held):
            if len(found) == wanted.most:
                return SuspectsPage(found, more=True)
            found.append(held)
    return SuspectsPage(found, more=False)


async def _held(
    suspects: SuspectsByTime, centre: str, highest: Tlp, wanted: WantedObjects, now: datetime, pause: Pause
) -> AsyncIterator[HeldObject]:
    for standing in _standing(centre):
        if wanted.after is None or standing.added > wanted.after:
            yield standing
    for added in suspects.after(wanted.after):
        await pause()
        if wanted.ids is not None and indicator_id(added.suspect) not in wanted.ids:
            continue  # before the object is made, which takes far longer
        if may_receive(added.suspect.tlp, highest) and valid(added.suspect, now):
            yield HeldObject(added.at, indicator_of(added.suspect, centre))


def _standing(centre: str) -> Iterable[HeldObject]:
    """Return the objects to which the indicators refer: the centre and the marks."""
    told = (identity_of(centre), *(marking_of(tlp) for tlp in LEVELS))
    return [HeldObject(BEGAN + number * TICK, each) for number, each in enumerate(told)]


def _manifest(held: HeldObject) -> Stix:
    added = _added(held.added)
    return {"id": held.stix["id"], "date_added": added, "version": held.version, "media_type": STIX_MEDIA_TYPE}


def _added(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def _listed(query: QueryParams, name: str) -> frozenset[str] | None:
    told = [each for value in query.getlist(name) for each in value.split(",") if each]
    return frozenset(told) or None


def _limit(query: QueryParams) -> int:
    told = query.get("limit")
    if told is None:
        return USUAL_PAGE
    if not re.fullmatch(r"[0-9]{1,9}", told, re.ASCII) or int(told) == 0:
        raise Refused(400, "limit is not a number from 1 on", f"Ask for up to {MOST_IN_PAGE:,}, or leave it out")
    return min(int(told), MOST_IN_PAGE)


def _next(query: QueryParams) -> datetime | None:
    told = query.get("next")
    if told is None:
        return None
    if not re.fullmatch(r"[0-9]{1,16}", told, re.ASCII):
        raise Refused(400, "next is not what an earlier page gave", "Ask again without it")
    return _EPOCH + int(told) * _MICROSECOND


def _time(query: QueryParams, name: str) -> datetime | None:
    told = query.get(name)
    if told is None:
        return None
    try:
        found = datetime.fromisoformat(told) if _TIME.fullmatch(told) else None
    except ValueError:
        found = None
    if found is None:
        raise Refused(400, f"{name} is not a time in UTC", "Write it as 2026-03-01T03:12:00.000000Z")
    return found
