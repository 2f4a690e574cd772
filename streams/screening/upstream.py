"""The lists of likely victims of confirmed suspects: read from Redis when somebody asks, and stored nowhere.

An entry's own fan-out has alerted these people already (fan_outs.py). The list shows them in the order of danger, and
who of them has been reached.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.ids import short_hash
from domain.policy.risk import MOST_WITHOUT_ASKING, RiskRules
from domain.risk.fan_out import since
from domain.risk.upstream import ContactReach, ContactSource, LikelyVictim, contact_source, likely_victims, reach_of
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.people.residents import Resident, ResidentId
from schemas.risk.evidence import Evidence, WatchEntry
from streams.messaging.topics import home
from streams.repositories.residents.register import Residents
from streams.screening.evaluation import profile_of
from streams.screening.fan_outs import about
from streams.screening.payers import Payers, token_of
from streams.screening.store import PREFIX
from streams.state.keys import key

READ_TOGETHER = 200  # residents whose evidence one round trip reads


@dataclass(frozen=True, slots=True)
class ListedVictim:
    """A likely victim on a list. `case`: their latest case, None without one."""

    victim: LikelyVictim
    resident: Resident
    case: Case | None
    reach: ContactReach


@dataclass(frozen=True, slots=True)
class SuspectList:
    """A suspect's list, the greatest danger first. `found`: how many people of the register had contact, among the
    contacts that were read; `elsewhere`: how many of them are not in the reader's area. Of the others, at most the
    number in the policy are listed; `cut`: True if there are more. `more`: True if the oldest contacts were not read,
    because there are over MOST_WITHOUT_ASKING.
    """

    entry: WatchEntry
    listed: list[ListedVictim]
    found: int
    elsewhere: int
    cut: bool
    more: bool


def suspect_id(entry: WatchEntry) -> str:
    """Return the id of a suspect in addresses of pages: a hash of its watchlist subject, which contains only a token of
    the number.
    """
    return short_hash("suspect", entry.subject)


class UpstreamLists:
    """Reads the lists of suspects. `partitions`: the number of partitions of cases."""

    def __init__(self, redis: Any, partitions: int) -> None:  # noqa: ANN401 - redis-py types each result as sync or async
        self._redis, self._partitions = redis, partitions
        self._payers = Payers(redis, partitions)

    async def suspects(self, most: int) -> list[WatchEntry]:
        """Return at most `most` confirmed accounts and telephone numbers, the latest confirmation first. Raises
        RedisError if Redis is unavailable.
        """
        return await self._payers.confirmed(most)

    async def suspect(self, name: str, most: int) -> WatchEntry | None:
        """Return the suspect with this id (`name`, see `suspect_id`) among the latest `most` confirmed; None if it is
        not among them. Raises RedisError if Redis is unavailable.
        """
        return next((entry for entry in await self.suspects(most) if suspect_id(entry) == name), None)

    async def of(
        self,
        entry: WatchEntry,
        residents: Residents,
        rules: RiskRules,
        now: datetime,
        sees: Callable[[str], bool] = lambda division: True,
    ) -> SuspectList:
        """Return the list of a suspect, the greatest danger first, as the rules rank its contacts at `now`. `sees`:
        returns True if a division is in the reader's area; people elsewhere are counted, and take nobody's place on the
        list.

        People whom a person has yet to decide about are listed too. Those who are no longer in the register are not.
        Raises RedisError if Redis is unavailable.
        """
        contacts, more = await self._contacts(entry, rules)
        people = await residents.standing({resident for resident, _ in contacts})
        own = [(people[resident].id, evidence) for resident, evidence in contacts if resident in people]
        everybody = {person.id: person for person in people.values()}
        entries = {name: person for name, person in everybody.items() if sees(person.division)}
        known, settled = await self._known(entries)
        profiles = {name: profile_of(person, now) for name, person in entries.items()}
        victims = likely_victims(own, known, profiles, rules, now, settled)
        cases = await self._cases([each.resident for each in victims])  # a case is long: only of those who are listed
        listed = [
            ListedVictim(each, entries[each.resident], case := cases.get(each.resident), reach_of(case, entry.begun_at))
            for each in victims
        ]
        elsewhere = len(everybody) - len(entries)
        cut = len(entries) > len(listed) == rules.upstream.people
        return SuspectList(entry, listed, len(everybody), elsewhere, cut, more)

    async def reached(
        self, entries: Iterable[WatchEntry], rules: RiskRules
    ) -> Counter[tuple[ContactSource, ContactReach]]:
        """Return how many people had contact with these suspects, by (source of contact, whether they were reached). A
        person counts once for each suspect and source, also if the register no longer has them; one whose entries in
        the register were merged may count once for each former id. Of each suspect, the newest MOST_WITHOUT_ASKING
        contacts count. Raises RedisError if Redis is unavailable.
        """
        counted: Counter[tuple[ContactSource, ContactReach]] = Counter()
        for entry in entries:
            contacts, _ = await self._contacts(entry, rules)
            found = {(resident, source) for resident, each in contacts if (source := contact_source(each)) is not None}
            cases = await self._cases({resident for resident, _ in found})
            counted.update((source, reach_of(cases.get(resident), entry.begun_at)) for resident, source in found)
        return counted

    async def _contacts(self, entry: WatchEntry, rules: RiskRules) -> tuple[list[tuple[ResidentId, Evidence]], bool]:
        """Return the evidence of the suspect's contacts, also of those after it was confirmed, and whether some were
        left out: the oldest, because the newest payers' money can still be stopped.
        """
        whole = entry.model_copy(update={"asked": None})
        found: list[tuple[ResidentId, Evidence]] = []
        async for some in self._payers.walk_back(token_of(entry.subject), since(whole, rules)):
            found += about(whole, some, rules)
            if len(found) > MOST_WITHOUT_ASKING:
                return found[:MOST_WITHOUT_ASKING], True
        return found, False

    async def _known(
        self, names: Collection[ResidentId]
    ) -> tuple[dict[ResidentId, list[Evidence]], dict[ResidentId, datetime]]:
        """Return the evidence about residents, and when their last case was settled."""
        known: dict[ResidentId, list[Evidence]] = {}
        settled: dict[ResidentId, datetime] = {}
        everybody = list(names)
        for start in range(0, len(everybody), READ_TOGETHER):
            some = everybody[start : start + READ_TOGETHER]
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in some:
                    pipe.hvals(f"{key('evidence', home(name, self._partitions))}:{name}")
                    pipe.hget(key("settled", home(name, self._partitions)), name)
                told = await pipe.execute()
            for name, values, at in zip(some, told[::2], told[1::2], strict=True):
                known[name] = [Evidence.model_validate_json(raw[PREFIX:], extra=ANY_VERSION) for raw in values]
                if at:
                    settled[name] = datetime.fromisoformat(at.decode())
        return known, settled

    async def _cases(self, names: Collection[ResidentId]) -> dict[ResidentId, Case]:
        by_partition: defaultdict[int, list[ResidentId]] = defaultdict(list)
        for name in names:
            by_partition[home(name, self._partitions)].append(name)
        async with self._redis.pipeline(transaction=False) as pipe:
            for partition, some in by_partition.items():
                pipe.hmget(key("cases", partition), some)
            told = await pipe.execute()
        raws: Mapping[ResidentId, bytes | None] = {
            name: raw
            for some, found in zip(by_partition.values(), told, strict=True)
            for name, raw in zip(some, found, strict=True)
        }
        return {name: Case.model_validate_json(raw, extra=ANY_VERSION) for name, raw in raws.items() if raw}
