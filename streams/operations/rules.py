"""Changes of the rules: policies and holds.

A change is written to every partition, and takes effect at its place among the inputs.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.ids import resident_of, short_hash
from domain.policy import load, trial
from domain.policy.channels.proposal import check_channel_order
from domain.policy.experiments.publishing import ExperimentRefusal, ExperimentRefusedError, check_experiments
from domain.policy.experiments.stop_text import UnstoppableError, with_stop
from schemas.administration.audit import AuditEntry
from schemas.base import ANY_VERSION
from schemas.casework.acts import CloseAct, ConfirmAct
from schemas.casework.cases import Case, CaseState
from schemas.casework.inputs import Hold, HoldChange, OperatorReport, PolicyChange
from schemas.casework.policies import InForce
from schemas.errors import UserError
from schemas.levels import Level
from streams.installation import Installation
from streams.messaging import case_inputs
from streams.messaging.topics import home
from streams.repositories import holds
from streams.security import audit
from streams.state.keys import key

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)  # start of validity of the settings' policy, which was never published
_UNTOUCHED = (CaseState.RAISED, CaseState.CONTACTING, CaseState.UNREACHABLE)


async def publish(
    line: Installation,
    text: str,
    by: str,
    override: str = "",
    others: Collection[str] = (),
) -> str:
    """Put a policy (TOML `text`) in force in all partitions, with an audit entry, and return its hash.

    `override`: the reason for publishing a policy that the breaker has stopped, else "". `others`: other persons who
    wrote or approved it; a new experiment or a new table of channels needs one. Raises PolicyError if it is invalid,
    ExperimentRefusedError or OnePersonError if these may not be put in force, UserError if it was stopped and
    `override` is "" (the text is stored nevertheless), and UnknownPolicyError if the last good policy is stored
    nowhere; the policy in force then stays. Raises SendError if the text is too large for a record, and LockBusyError
    (a TimeoutError) if this takes over 8 s, for example because Kafka is unavailable: run it again. Errors of Redis
    pass through.
    """
    async with line.policies.changing_in_force("the publication of a policy"):
        return await _published(line, text, by, override, others)


async def _published(
    line: Installation,
    text: str,
    by: str,
    override: str = "",
    others: Collection[str] = (),
    *,
    stops: str | None = None,
) -> str:
    """Do what `publish` does, under its lock. `stops`: the reason to stop an experiment, if the text differs from that
    in force only by the stop, which needs no trial; else None.
    """
    now, before = line.clock.now(), await standing(line)
    await _check(line, text, before, {by, *others})
    policy = await line.policies.publish(text)
    stop = before.stopped.get(policy.hash)
    if stop and not override:
        raise UserError(
            f"policy {policy.hash} was stopped at {stop.at:%Y-%m-%d %H:%M} UTC: {stop.reason}. If it is right all the "
            "same, publish it with --override and the reason"
        )
    on_trial = trial.on_trial(before, (await line.policies.get(before.good)).breaker, now)
    why, only_stops = override if stop else "", stops is not None
    after = trial.published(before, policy.hash, by, now, proved=not on_trial, override=why, only_stops=only_stops)
    await line.policies.store_in_force(after)
    why = why or stops or ""
    await line.policies.tell(_change_to(after, now, why), before)
    entry = AuditEntry(at=now, by=by, act="policy-published", on=policy.hash, reason=why)
    await audit.write(line.producer, [entry])
    return policy.hash


async def complete(line: Installation, by: str) -> None:
    """Let the partitions that still lack the policy in force have it, because whoever put it in force was interrupted;
    with an audit entry. No effect if none lacks it: no new period begins, and no trial. Safe to repeat.

    Raises LockBusyError (a TimeoutError) if this takes over 8 s: run it again. Errors of `standing` pass through.
    """
    async with line.policies.changing_in_force("the completion of a publication"):
        now, before = line.clock.now(), await standing(line)
        if await _some_lack(line, before.policy):
            await _tell_again(line, before, now)
            entry = AuditEntry(at=now, by=by, act="policy-published", on=before.policy, detail="completed")
            await audit.write(line.producer, [entry])


def _change_to(standing: InForce, now: datetime, reason: str = "") -> PolicyChange:
    """Return the input that puts the policy of the record in force. It has the same id each time for one record."""
    name = short_hash("policy", standing.policy, standing.since.isoformat())
    return PolicyChange(id=name, at=now, policy=standing.policy, by=standing.by, reason=reason)


async def _tell_again(line: Installation, standing: InForce, now: datetime) -> None:
    """Write the input that puts the policy of the record in force once more, under another id: a partition that has
    applied the first one may have applied an older change after it, which came late.
    """
    change = _change_to(standing, now)
    again = short_hash(change.id, now.isoformat())
    await line.policies.tell(change.model_copy(update={"id": again}), standing)


async def _check(line: Installation, text: str, before: InForce, persons: Collection[str]) -> None:
    """Raise an error if the experiments or the order of channels of a policy may not be put in force."""
    policy = load(text)
    if policy.experiments or policy.channel_order:
        names = dict.fromkeys((before.policy, *(each.policy for each in before.earlier)))
        known = [await line.policies.get(name) for name in names]
        check_experiments(text, policy, known, persons, line.clock.now())
        check_channel_order(policy, known, persons)


class NotRunningError(UserError):
    """The policy in force has no such experiment, or it is stopped already."""


async def stop_experiment(line: Installation, name: str, by: str, reason: str) -> str:
    """Stop the experiment `name` of the policy in force, and return the hash of the new policy, in which it is stopped
    and which is now in force. The `reason` is stored with the new policy's input and its audit entry.

    The policy's text stays as it is, but for one line. Raises NotRunningError if the policy in force has no experiment
    with this name that is not stopped; if somebody who stopped it was interrupted, the partitions get to know of it
    first. Raises ExperimentRefusedError if no line can stop it, as in a settings' file that nobody published. Errors of
    `publish` and `standing` pass through.
    """
    async with line.policies.changing_in_force("the stop of an experiment"):
        before = await standing(line)
        plan = (await line.policies.get(before.policy)).experiments.get(name)
        if plan is not None and not plan.stopped:
            text = await line.policies.text(before.policy)
            try:
                stopped = with_stop(text, name, line.clock.now())
            except UnstoppableError:
                raise ExperimentRefusedError(ExperimentRefusal.UNSTOPPABLE, [name]) from None
            return await _published(line, stopped, by, stops=reason)
        if plan is not None and await _some_lack(line, before.policy):
            await _tell_again(line, before, line.clock.now())
    raise NotRunningError(f"no experiment {name!r} runs; `quanzu experiments list` names those that do")


async def _some_lack(line: Installation, policy: str) -> bool:
    """Return True if a partition decides by another policy than `policy` (a hash), or has none yet."""
    async with line.redis.pipeline(transaction=False) as pipe:
        for partition in range(line.settings.partitions):
            pipe.hget(key("state", partition), "policy")
        return {raw.decode() if raw else "" for raw in await pipe.execute()} != {policy}


async def standing(line: Installation) -> InForce:
    """Return the record of which policy is in force, which proved good last, and which were stopped.

    If no policy was put in force yet, the policy that partition 0 uses, or that of the settings' file, counts as good;
    the file's is then stored. Raises PolicyError if that file must be read and is invalid, OSError if it cannot be
    read, and RedisError if Redis is unavailable.
    """
    if found := await line.policies.in_force():
        return found
    raw = await line.redis.hget(key("state", 0), "policy")
    policy = raw.decode() if raw else (await line.policies.default()).hash
    return InForce(policy=policy, good=policy, since=ALWAYS, by="settings")


async def begin_hold(
    line: Installation,
    duration: timedelta,
    by: str,
    reason: str,
    spare_red: bool,
    named: Mapping[str, str | None],
    name: str | None = None,
) -> str:
    """Write the start of a hold, which holds contacts back, to all partitions, and return its id. It takes effect when
    the workers apply it.

    `duration`: in time of the installation's clock. `spare_red`: True if red cases are still contacted. `named`: the
    contacts held back, by field of Hold (channel, action, scam_type, campaign, area, policy; None: any); without any,
    all outgoing contact. `name`: an explicit id, so that a form sent twice takes effect once. Raises UserError if a
    field is invalid, such as an unknown channel, and SendError if Kafka refuses a record.
    """
    now = line.clock.now()
    fields = {
        "id": name or f"h{short_hash(by, now.isoformat())[:8]}",
        "until": now + duration,
        "reason": reason,
        "by": by,
        "spare_red": spare_red,
        **{name: value for name, value in named.items() if value is not None},
    }
    try:
        made = Hold.model_validate(fields)
    except ValidationError as error:
        raise UserError("\n".join(f"hold: {_wrong(detail)}" for detail in error.errors())) from None
    await _to_all(line, HoldChange(id=f"hold:{made.id}", at=now, hold=made))
    return made.id


async def holds_in_force(line: Installation) -> list[Hold]:
    """Return the holds that are in force now, the one that ends first first; an empty list if there are none. Raises
    RedisError if Redis is unavailable.
    """
    return await holds.current_holds(line.redis, line.clock.now())


async def lift(line: Installation, hold_id: str, by: str, reason: str, what: Literal["release", "drop"]) -> None:
    """Write the end of a hold before its time to all partitions. `what`: "release": the steps held back are carried
    out; "drop": they are not.

    Dropping the hold of a stopped policy also closes the cases below red that the policy raised and nobody has taken
    up; its red cases stay open. Raises UserError if no hold with this id is in force, SendError if Kafka refuses a
    record, and RedisError if Redis is unavailable.
    """
    begun = next((each for each in await holds_in_force(line) if each.id == hold_id), None)
    if begun is None:
        raise UserError(f"no hold {hold_id!r} is in force")
    ended = begun.model_copy(update={"by": by, "reason": reason})
    if what == "drop" and ended.policy:
        await _close_raised(line, ended)  # before the hold is lifted, so that nothing is sent in between
    # The end is part of the id: a policy stopped twice has two holds, and each can be lifted.
    name = f"lift:{hold_id}:{begun.until:%Y%m%dT%H%M%S.%f}"
    await _to_all(line, HoldChange(id=name, at=line.clock.now(), hold=ended, lift=what))


async def _close_raised(line: Installation, hold: Hold) -> None:
    """Close the cases below red that a stopped policy has raised and nobody has taken up.

    Dropping the steps held back is not enough: a case's further steps fall due for days.
    """
    records = []
    for case in await _raised(line, hold.policy or ""):
        if case.state in _UNTOUCHED and case.claimed_by is None:
            report = OperatorReport(
                id=short_hash("drop", hold.id, case.id, case.version),
                at=line.clock.now(),
                resident=case.resident,
                case=case.id,
                by=hold.by,
                seen=case.version,
                act=CloseAct(do="close", reason=hold.reason, hold=hold.id),
            )
            records.append(case_inputs.record(report, home(case.resident, line.settings.partitions)))
    await line.producer.send_all(records)


async def raised_by(line: Installation, policy: str) -> list[str]:
    """Return the sorted ids of the open cases below red that a policy, given by its hash, raised and nobody has
    confirmed; an empty list if there are none.

    These cases wait while the policy's hold is in force. Reads all cases. Raises RedisError if Redis is unavailable.
    """
    return sorted(case.id for case in await _raised(line, policy))


async def _raised(line: Installation, policy: str) -> list[Case]:
    found = []
    for partition in range(line.settings.partitions):
        async for _, raw in line.redis.hscan_iter(key("cases", partition), count=1000):
            if policy.encode() in raw and _waits(case := Case.model_validate_json(raw, extra=ANY_VERSION), policy):
                found.append(case)
    return found


def _waits(case: Case, policy: str) -> bool:
    return case.open and case.raised_by == policy and case.level is not Level.RED


async def confirm(line: Installation, case_id: str, by: str, reason: str) -> None:
    """Write an input that confirms that a case is real, whatever policy raised it. It takes effect when a worker
    applies it.

    Raises UserError if the case is unknown, RedisError if Redis is unavailable, and SendError if Kafka refuses the
    input.
    """
    partition = home(resident_of(case_id), line.settings.partitions)
    case = await line.store.case(partition, case_id)
    if case is None:
        raise UserError(f"there is no case {case_id!r}; `quanzu policy status` names those that wait")
    report = OperatorReport(
        id=short_hash("confirm", case.id, case.version, by),
        at=line.clock.now(),
        resident=case.resident,
        case=case.id,
        by=by,
        seen=case.version,
        act=ConfirmAct(reason=reason),
    )
    await line.producer.send_all([case_inputs.record(report, partition)])


def _wrong(detail: ErrorDetails) -> str:
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg'].removeprefix('Value error, ')}"


async def _to_all(line: Installation, change: HoldChange) -> None:
    await line.producer.send_all(case_inputs.to_all(change, range(line.settings.partitions)))
