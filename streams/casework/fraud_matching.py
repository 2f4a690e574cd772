"""Matches the police's records of frauds to residents, and writes what follows to case-inputs.

A record may be processed several times: the table of matches knows it by its digest, and its input has the same id.
Nothing is looked up while Redis lacks residents: a record would be matched to nobody, and never again.
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from prometheus_client import Counter

from domain.identity.id_keys import IdKeys, UnknownKeyError, comparable
from domain.identity.personal import WITHHELD
from domain.identity.reported_victims import Candidates, VictimMatch, match_victim
from domain.ids import short_hash
from schemas.base import ANY_VERSION
from schemas.casework.inputs import FraudReport
from schemas.people.residents import Resident, ResidentId
from schemas.risk.reported_frauds import FraudMatch, MatchedBy, MatchStrength, ReportedFraud
from streams.messaging import case_inputs, sources, topics
from streams.messaging.codec import refuse_unreadable
from streams.messaging.dead_letter_writer import DeadLetters
from streams.messaging.producer import Producer
from streams.messaging.record import Raw
from streams.messaging.topics import home
from streams.repositories.residents.register import Asked, Residents
from streams.repositories.tables import FraudMatches
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.state.shared_state import Shared

log = logging.getLogger(__name__)

MATCHED = Counter(
    "quanzu_reported_frauds_matched_total",
    "Police records of frauds by the identifier that matched them, or the reason for which none did; repeated: known",
    ["source", "result"],
)
REPEATED, SUPERSEDED = "repeated", "superseded"
FORGOTTEN = "the victim's data in it was destroyed by an erasure. Nothing follows from it"
CONTRADICTS = (
    "it differs from the record received before under the same version, and nothing says which is right. Send the "
    "right one under the record's next version"
)


class RefusedRecordError(ValueError):
    """A record has no effect, because it is refused. The text states why, and how to correct it."""


class FraudMatching:
    """Matches the police's records of frauds to the residents who were their victims, one partition's records in their
    order.
    """

    def __init__(
        self,
        settings: Settings,
        shared: Shared,
        residents: Residents,
        matches: FraudMatches,
        producer: Producer,
        clock: Clock,
    ) -> None:
        self._shared, self._residents, self._matches, self._producer = shared, residents, matches, producer
        self._clock, self._dead_letters = clock, DeadLetters(producer, clock)
        self._partitions, self._secret = settings.partitions, settings.key()
        self._keys: IdKeys = settings.id_number_keys()

    async def process(self, partition: int, records: Sequence[Raw]) -> None:
        """Match the records of one partition of reported-frauds, write the inputs that follow to case-inputs, and store
        the matches. Unreadable and refused records become dead letters.

        Repeating the call is safe. Raises SendError if Kafka refuses a record for good, and the other errors of `take`
        except RefusedRecordError.
        """
        for raw in records:
            try:
                refuse_unreadable(raw.value)
                record = ReportedFraud.model_validate_json(raw.value, extra=ANY_VERSION)
            except ValueError as error:
                await self._refuse(partition, raw, error)
                continue
            try:
                result = await self.take(record)
            except RefusedRecordError as error:
                await self._refuse(partition, raw, error)
            else:
                MATCHED.labels(sources.label(record.source), result).inc()

    async def _refuse(self, partition: int, raw: Raw, why: ValueError) -> None:
        log.warning("reported-frauds/%d/%d is refused; see the dead letters", partition, raw.offset)
        await self._dead_letters.record(topics.REPORTED_FRAUDS.name, partition, raw.offset, raw.value, why)

    async def take(self, record: ReportedFraud) -> str:
        """Match one record to the resident who was the victim, store the match and write the inputs that follow to
        case-inputs. Returns the result as the metric names it: the identifier that matched (MatchedBy), or the reason
        for which none did; "repeated" if the match is unchanged, "superseded" if a later version of the record is
        known.

        A known record without a match is matched again, because the register may know its victim by now; a match is not
        changed until the record's next version. Raises RefusedRecordError if the record differs from the known one of
        the same version, or if its victim's data was destroyed; EmptiedError, which is transient, if Redis lost data
        meanwhile; OtherInstallationError if Redis belongs to another installation; TimeoutError if the record's lock is
        not free within 8 s; and SendError. Errors of Redis pass through.
        """
        if WITHHELD in (record.name, record.phone):
            raise RefusedRecordError(FORGOTTEN)
        digests, now = self._digests(record), self._clock.now()
        await self._shared.ensure()
        async with self._matches.locked(record.uid) as known:
            if known is not None and known.version > record.version:
                return SUPERSEDED
            if known is not None and known.version == record.version:
                if not _same_content(known, *digests):
                    raise RefusedRecordError(CONTRADICTS)
                if known.resident is not None:
                    return REPEATED
            found = await self._candidates(record)
            match = match_victim(record, found)
            await self._shared.require_whole()
            change = known.change + 1 if known else 1
            made = _made(record, match, digests, change, now, _division(record, match, found))
            if known is not None and _same(known, made):
                return REPEATED
            await self._publish(known, made)
            await self._matches.put(made)
            return str(made.by or made.why)

    async def _candidates(self, record: ReportedFraud) -> Candidates:
        """Return the residents who have the record's identifiers: the telephone and the accounts at the time of the
        fraud or of the report, because either may be the one that the register knows.
        """
        times = sorted({record.happened_at, record.reported_at})
        by_id = [Asked("idhashes", each, record.reported_at) for each in self._hashes(record.id_hash)]
        by_phone = [Asked("phones", record.phone, at) for at in times if record.phone]
        by_account = [Asked("accounts", each, at) for each in record.accounts for at in times]
        found = iter(await self._residents.holders([*by_id, *by_phone, *by_account]))
        groups = [[name for _ in asked for name in next(found)] for asked in (by_id, by_phone, by_account)]
        standing = await self._residents.standing(dict.fromkeys(name for group in groups for name in group))
        return Candidates(*(_entries(group, standing) for group in groups))

    def _hashes(self, hashed: str | None) -> list[str]:
        if hashed is None:
            return []
        try:
            return self._keys.onward(hashed)
        except UnknownKeyError:
            return [hashed]

    async def _publish(self, known: FraudMatch | None, made: FraudMatch) -> None:
        """Tell the case of the resident who is the victim now, and the case of one who no longer is."""
        given = []
        if known is not None and known.resident not in (None, made.resident):
            given.append(_input(known.model_copy(update={"version": made.version}), made, withdrawn=True))
        if made.resident is not None:
            given.append(_input(made, made, withdrawn=False))
        await self._producer.send_all(
            [case_inputs.record(each, home(each.resident, self._partitions)) for each in given]
        )

    def _digests(self, record: ReportedFraud) -> tuple[str, str | None]:
        """Return the keyed hashes of the record without the ID number's hash, and of that hash, None without one."""
        rest = self._digest(record.model_copy(update={"id_hash": None}).model_dump_json())
        if record.id_hash is None:
            return rest, None
        _, dot, generation = record.id_hash.partition(".")
        return rest, f"{self._digest(record.id_hash)}{dot}{generation}"

    def _digest(self, text: str) -> str:
        return hashlib.blake2b(text.encode(), key=self._secret[:64], digest_size=16).hexdigest()


def _same_content(known: FraudMatch, digest: str, id_digest: str | None) -> bool:
    """Return True if a record has the known content. ID numbers hashed under different keys cannot be compared, and
    count as the same: a key that was changed makes no record another one.
    """
    ids = [each for each in (known.id_digest, id_digest) if each is not None]
    return known.digest == digest and (known.id_digest == id_digest or (len(ids) == 2 and not comparable(ids)))


def _entries(names: Iterable[ResidentId], standing: dict[ResidentId, Resident]) -> list[Resident]:
    found = [standing[name] for name in names if name in standing]
    return list({each.id: each for each in found}.values())


def _division(record: ReportedFraud, match: VictimMatch, found: Candidates) -> str | None:
    """Return the division of the matched resident in the register; without a match, the one that the record states."""
    homes = {each.id: each.division for each in found.everybody}
    return homes.get(match.resident or "", record.division)


def _made(
    record: ReportedFraud,
    match: VictimMatch,
    digests: tuple[str, str | None],
    change: int,
    now: datetime,
    division: str | None,
) -> FraudMatch:
    return FraudMatch(
        id=record.uid,
        version=record.version,
        change=change,
        digest=digests[0],
        id_digest=digests[1],
        reported_at=record.reported_at,
        happened_at=record.happened_at,
        dated=record.dated,
        received_at=now,
        loss_fen=record.loss_fen,
        scam_type=record.scam_type,
        resident=match.resident,
        by=match.by,
        strength=match.strength,
        why=match.why,
        candidates=list(match.candidates),
        division=division,
    )


def _same(known: FraudMatch, made: FraudMatch) -> bool:
    return known.model_copy(update={"received_at": made.received_at, "change": made.change}) == made


def _input(of: FraudMatch, made: FraudMatch, *, withdrawn: bool) -> FraudReport:
    """Return the input for the resident of `of`. `made`: the match that is new. Its number is part of the id: casework
    drops an id that it knows, and a record may come back to a resident from whom it was withdrawn.
    """
    resident = of.resident or ""
    return FraudReport(
        id=short_hash("fraud", of.id, made.change, resident, str(withdrawn)),
        at=made.received_at,
        resident=resident,
        record=of.id,
        version=of.version,
        happened_at=of.happened_at,
        reported_at=of.reported_at,
        loss_fen=of.loss_fen,
        scam_type=of.scam_type,
        dated=of.dated,
        by=of.by or MatchedBy.ID_NUMBER,
        strength=of.strength or MatchStrength.FAIR,
        withdrawn=withdrawn,
    )
