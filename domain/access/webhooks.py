"""Whether another program is told of an event, of what, and when it is tried again."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from schemas.casework.events import CaseEvent
from schemas.channels.webhooks import Webhook

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)


def wanted(webhook: Webhook, event: CaseEvent) -> bool:
    """Whether the webhook asks for this event."""
    case = event.case
    return (
        case.profile.division.startswith(webhook.area)
        and (not webhook.levels or case.level in webhook.levels)
        and (not webhook.kinds or any(fact.kind in webhook.kinds for fact in event.facts))
    )


def payload(event: CaseEvent) -> dict[str, Any]:
    """What is told: the case in short, and what happened in words. No name, telephone, account or address."""
    case = event.case
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "input": event.input_kind,
        "case": {
            "id": case.id,
            "version": case.version,
            "state": case.state.value,
            "level": case.level.value,
            "scam_type": case.danger.scam_type,
            "division": case.profile.division,
            "outcome": case.outcome.value if case.outcome else None,
            "opened_at": case.opened_at.isoformat(),
            "exposure_fen": case.danger.exposure_fen,
        },
        "facts": [{"kind": fact.kind.value, "words": fact.words} for fact in event.facts],
    }


def signature(secrets: Sequence[str], stamp: int, body: bytes) -> str:
    """`v1=` and HMAC-SHA256 over `stamp.body` in hexadecimal, one for each secret, separated by commas.

    The receiver takes the request when one of them fits: so a secret is replaced without a gap.
    """
    signed = f"{stamp}.".encode() + body
    return ",".join(f"v1={hmac.digest(secret.encode(), signed, hashlib.sha256).hex()}" for secret in secrets)


def next_try(failures: int, chance: float) -> timedelta:
    """How long to wait after so many failures in a row: doubled each time, up to LONGEST_WAIT, half of it by chance."""
    whole: timedelta = min(FIRST_WAIT * 2 ** min(failures, 20), LONGEST_WAIT)
    return whole / 2 + whole / 2 * chance
