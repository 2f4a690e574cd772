"""Tells officers of a search, and erases the places of a search after it.

One worker at a time does this, under a lease. A search names several officers at once, so it is no visit: a visit's
dispatch replaces an officer who does not accept by another one. An officer's telephone lists the places of a search by
itself; the notice only says that there is one. It has an idempotency key, and the list says who was told: after a
worker's death another one repeats at most a notice that the provider already knows.
"""

import asyncio
import logging
import os
import uuid
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from domain.dispatches.ids import named, officer_message
from domain.ids import short_hash
from domain.visits.sweep import erased_at, to_tell
from domain.wording.codes import in_language
from schemas.administration.audit import AuditEntry
from schemas.casework.cases import Case
from schemas.codes.channels import SearchWaits
from schemas.levels import Channel, Level, Result
from schemas.people.escalations import OfficerRung, PushSubscription
from schemas.people.places import SearchList
from schemas.people.residents import Language
from schemas.people.rosters import Officer
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Gateway, Kind, Order, UnknownOutcomeError
from streams.channels.push import PushMessage, PushResult, PushSender, devices_of
from streams.messaging.topics import home
from streams.repositories.escalations import opaque_id
from streams.repositories.places import SearchLists
from streams.repositories.staff import Staff
from streams.runtime.tasks import cancelled, without_values
from streams.security import audit
from streams.state import locks
from streams.state.case_store import CaseStore
from streams.state.keys import SEARCHING
from streams.state.scripts import script

log = logging.getLogger(__name__)

LEASE_MS = 30_000
ROUND_SECONDS = 20.0  # for all searches: less than the lease
TRIES, AGAIN = 3, timedelta(seconds=30)  # for an officer whom no notice reached
RELEASE = script("release")


class _Notice(NamedTuple):
    """A text message to an officer. `id`: its idempotency key."""

    id: str


class SearchWatch:
    """Sends officers the notices of searches for residents, and erases the places of searches that are over."""

    def __init__(self, outgoing: Outgoing, store: CaseStore, lists: SearchLists, staff: Staff) -> None:
        """Raises SettingsError if the key of push messages is invalid, or the gateway's key is missing."""
        self._outgoing, self._store, self._lists, self._staff = outgoing, store, lists, staff
        self._redis: Any = outgoing.redis
        self._push = PushSender(outgoing.settings, outgoing.channels, outgoing.rosters.push, outgoing.clock)
        kind, refusals = outgoing.channels.kind(Channel.SMS), outgoing.channels.refusals(Channel.SMS)
        self._sms = Gateway(outgoing.client, outgoing.settings.sms_url, kind, outgoing.signer("sms"), refusals)
        self._token = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._tried: dict[tuple[str, str], tuple[int, datetime]] = {}
        self._round: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Start a task that goes through all searches once: it sends notices and erases places that are due. Returns
        without waiting for it. Does nothing while an earlier one goes on. Errors in the task are logged; the next call
        tries again.
        """
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._look())

    async def settle(self) -> None:
        """Return when the task that `look` started last has ended, with or without success; at once without one."""
        if self._round is not None:
            await asyncio.gather(self._round, return_exceptions=True)

    async def close(self) -> None:
        """Cancel the task that `look` started, if it is running, and wait for its end; another worker does its work
        again.
        """
        if self._round is not None:
            await cancelled({self._round})

    async def _look(self) -> None:
        try:
            lists = await self._lists.all()
            if not lists or not await locks.keep(self._redis, SEARCHING, self._token, LEASE_MS):
                return
            try:
                async with asyncio.timeout(ROUND_SECONDS):
                    for each in lists:
                        await self._alone(each)
            finally:
                await self._redis.eval(RELEASE, 1, SEARCHING, self._token)
        except Exception as error:
            log.error("searches are looked after again in the next round: %s", without_values(error))  # noqa: TRY400 - its text may have a place

    async def _alone(self, listed: SearchList) -> None:
        """Look after one search. An error with it delays no other: places of another one may be due to be erased."""
        try:
            await self._one(listed)
        except Exception as error:  # the end of the round's time is a cancellation here, and passes
            log.error("a search is looked after again in the next round: %s", without_values(error))  # noqa: TRY400 - as above

    async def _one(self, listed: SearchList) -> None:
        partition = home(listed.resident, self._outgoing.settings.partitions)
        case, decided = await self._case_of(partition, listed)
        rules = (await self._outgoing.policies.of(self._outgoing.book.partition(listed.resident))).visits.search
        now = self._outgoing.clock.now()
        if now >= erased_at(listed, case, rules.keep, decided=decided):
            await self._erase(listed, now)
        elif case is not None:
            await self._tell_all(listed, case, now)

    async def _case_of(self, partition: int, listed: SearchList) -> tuple[Case | None, bool]:
        """Return the search's case, and whether it has applied the input that starts the search.

        While the partition's store is lost or being rebuilt, the case is unknown: a version from before the search, or
        from before its end, would have the places erased, or officers told of a search that is over.
        """
        loaded = await self._store.load(partition, [listed.input], [listed.resident])
        if loaded is None or not loaded.whole:
            return None, False
        latest = loaded.cases.get(listed.resident)
        case = latest if latest and latest.id == listed.case else await self._store.case(partition, listed.case)
        return case, listed.input in loaded.applied

    async def _erase(self, listed: SearchList, now: datetime) -> None:
        """Note in the audit that the places of a search are deleted, and delete them. The journal and the case have
        numbers only. The entry comes first, and after an interruption perhaps a second one: an erasure without one
        could not be found again.
        """
        told = AuditEntry(at=now, by="search", act="search-erased", on=listed.case, detail=listed.id)
        await audit.write(self._outgoing.producer, [told])
        await self._lists.drop(listed.id)
        self._tried = {key: value for key, value in self._tried.items() if key[0] != listed.id}

    async def _tell_all(self, listed: SearchList, case: Case, now: datetime) -> None:
        """Tell all officers who are to be told. An error with one is logged and keeps no notice from another: they are
        waited for, so none goes on after the lease of this round was given back.
        """
        tells = (self._tell(listed, case, officer, now) for officer in to_tell(listed, case))
        for outcome in await asyncio.gather(*tells, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("an officer is told of a search again later: %s", without_values(outcome))

    async def _tell(self, listed: SearchList, case: Case, officer: str, now: datetime) -> None:
        """Send the officer a notice, and store that they were told. An officer whom none reached is tried again, TRIES
        times in all; the search page shows who has not been told.
        """
        tries, last = self._tried.get((listed.id, officer), (0, now - AGAIN))
        if tries >= TRIES or now - last < AGAIN:
            return
        self._tried[listed.id, officer] = tries + 1, now
        if await self._reached(listed, case, officer):
            async with self._lists.locked(listed.id) as known:
                if known is not None:  # else its places were erased meanwhile
                    await self._lists.put(_with_told(known, officer))

    async def _reached(self, listed: SearchList, case: Case, officer: str) -> bool:
        roster = await self._outgoing.rosters.roster_of(officer)
        person = next((each for each in roster.officers if each.id == officer), None) if roster else None
        if await self._pushed(listed, case, officer):
            return True
        return person is not None and person.phone is not None and await self._text(listed, case, person, person.phone)

    async def _pushed(self, listed: SearchList, case: Case, officer: str) -> bool:
        """Return whether a push message went out. An error is logged: the text message needs no device."""
        try:
            devices = await devices_of(officer, self._outgoing.rosters.push, self._staff)
            sends = (self._push.send(each, search_message(listed.id, case.level, each)) for each in devices)
            return PushResult.TAKEN in await asyncio.gather(*sends)
        except Exception as error:
            log.error("an officer is told of a search by text message only: %s", without_values(error))  # noqa: TRY400 - as above
            return False

    async def _text(self, listed: SearchList, case: Case, officer: Officer, phone: str) -> bool:
        language = "zh" if Language.CHINESE in officer.languages else "ko"
        words = in_language(language).sentence(SearchWaits(case.level))
        name = named(case.id, f"search.{short_hash(listed.id, officer.id)}", 1, Channel.VISIT)
        order = Order("/sms", {"to": phone, "text": words, "flash": True, "action": "flash_sms"})
        try:
            async with asyncio.timeout(self._outgoing.channels.provider_seconds):
                answer = await self._sms.send(_Notice(officer_message(name, OfficerRung.SMS)), order)
        except (UnknownOutcomeError, TimeoutError):
            return self._sms.kind is Kind.NEITHER  # it would send a repeated notice again
        return answer.result is Result.SENT


def search_message(search: str, level: Level, device: PushSubscription) -> PushMessage:
    """Return the push message to a device: a search waits, in the device's language. It names nobody and no place.
    `search`: the search's id, of which the message has only a hash. Nothing is sent.
    """
    words, ref = in_language(device.language).sentence(SearchWaits(level)), opaque_id(search)
    told = {"code": "search_waits", "level": level.value, "ref": ref, "language": device.language, "words": words}
    return PushMessage(orjson.dumps(told), level, topic=ref)


def _with_told(listed: SearchList, officer: str) -> SearchList:
    return listed.model_copy(update={"told": listed.told | {officer}})
