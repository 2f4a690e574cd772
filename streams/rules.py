"""Changing the rules: a policy, a hold. Written to every partition, so that each changes at one place in its order."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.ids import short_hash
from schemas.errors import UserError
from schemas.inputs import Hold, HoldChange, PolicyChange
from streams import topics
from streams.line import Line
from streams.producer import Record
from streams.store import key


async def publish(line: Line, text: str, by: str) -> str:
    """Put a policy in force; returns its hash. Raises PolicyError; the policy in force stays then."""
    policy = await line.policies.publish(text)
    now = line.clock.now()
    change = PolicyChange(id=short_hash("policy", policy.hash, now.isoformat()), at=now, policy=policy.hash, by=by)
    await _to_all(line, change)
    return policy.hash


async def hold(
    line: Line, duration: timedelta, by: str, reason: str, spare_red: bool, named: Mapping[str, str | None]
) -> str:
    """Begin a hold; returns its id. Raises UserError that says what of it is wrong, such as a channel that is none."""
    now = line.clock.now()
    fields = {
        "id": f"h{short_hash(by, now.isoformat())[:8]}",
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


async def lift(line: Line, hold_id: str, by: str, reason: str, what: Literal["release", "drop"]) -> None:
    """End a hold before its time. Raises UserError when it is not in force."""
    raw = await line.redis.hget(key("holds", 0), hold_id)
    if raw is None:
        raise UserError(f"no hold {hold_id!r} is in force")
    ended = Hold.model_validate_json(raw).model_copy(update={"by": by, "reason": reason})
    await _to_all(line, HoldChange(id=f"lift:{hold_id}", at=line.clock.now(), hold=ended, lift=what))


def _wrong(detail: ErrorDetails) -> str:
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg'].removeprefix('Value error, ')}"


async def _to_all(line: Line, change: PolicyChange | HoldChange) -> None:
    value = change.model_dump_json().encode()
    name = topics.CASE_INPUTS.name
    await line.producer.send_all([Record(name, b"rules", value, p) for p in range(line.settings.partitions)])
