"""Webhooks: the events that another program receives, their form, the permitted addresses, and the times of retries."""

import hashlib
import hmac
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import msgspec

from schemas.casework.events import CaseEvent
from schemas.channels.webhooks import Webhook
from schemas.codes.any_code import AnyCode

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
HTTPS = 443
Address = IPv4Address | IPv6Address

# Services by which clouds tell a machine its credentials; those in 169.254.0.0/16 are link-local anyway.
METADATA = frozenset(map(ip_address, ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")))


def wanted(webhook: Webhook, event: CaseEvent) -> bool:
    """Return True if the webhook subscribes to this event: the area, the level and one kind of fact must match.

    A webhook without levels gets all levels, one without kinds all kinds. A paused webhook is treated like any other.
    """
    case = event.case
    return (
        case.profile.division.startswith(webhook.area)
        and (not webhook.levels or case.level in webhook.levels)
        and (not webhook.kinds or any(fact.kind in webhook.kinds for fact in event.facts))
    )


def payload(
    event: CaseEvent, shown: Callable[[AnyCode], AnyCode], sentence: Callable[[AnyCode], str] | None = None
) -> dict[str, Any]:
    """Return the body of the webhook's request, for JSON: the case in brief, and the facts as codes with their
    parameters.

    The body has no name, telephone, account or address. `shown`: returns a code as this receiver may see it, with
    people's own words removed or masked (domain/identity/own_words). `sentence`: renders a code as a sentence; None:
    the body has no sentences.
    """
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
            "ground": case.ground.value if case.ground else None,
            "opened_at": case.opened_at.isoformat(),
            "exposure_fen": case.danger.exposure_fen,
        },
        "facts": [
            {"kind": fact.kind.value, "what": msgspec.to_builtins(what)}
            | ({"words": sentence(what)} if sentence is not None else {})
            for fact in event.facts
            for what in [shown(fact.what)]
        ],
    }


def signature(secrets: Sequence[str], stamp: int, body: bytes) -> str:
    """Return the value of the signature header: for each secret, in order, `v1=` and the HMAC-SHA256 of `stamp.body` in
    hexadecimal digits; separated by commas.

    `stamp`: the time of sending, in seconds since 1970. The receiver accepts if any of them matches, so a secret can be
    replaced without a gap.
    """
    signed = f"{stamp}.".encode() + body
    return ",".join(f"v1={hmac.digest(secret.encode(), signed, hashlib.sha256).hex()}" for secret in secrets)


def next_try(failures: int, chance: float) -> timedelta:
    """Return how long to wait before the next try. `failures`: the number of failures in a row before the latest one.

    The longest wait is 1 s if `failures` is 0, doubles with each further failure, and is at most 5 min. The result is
    between half of it and all of it, by `chance`, a random number from 0 to 1.
    """
    whole: timedelta = min(FIRST_WAIT * 2 ** min(failures, 20), LONGEST_WAIT)
    return whole / 2 + whole / 2 * chance


def may_send_to(address: Address, private: Collection[Address], trial: bool = False) -> bool:
    """Return True if a webhook may be sent to an address: a public one, or one in `private`.

    `private`: exact addresses inside the network that are permitted. `trial`: True for an embedded installation, which
    may also send to its own machine; others never. Link-local, multicast, reserved and clouds' metadata addresses are
    never permitted. An IPv6 address that leads to an IPv4 address is judged as the latter.
    """
    found = _judged(address)
    if found.is_loopback:
        return trial
    if found in METADATA or found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved:
        return False
    if isinstance(found, IPv6Address) and found.is_site_local:
        return False
    return found.is_global or found in private


def _judged(address: Address) -> Address:
    """Return the IPv4 address to which an IPv6 address leads (mapped, or 6to4), or the address itself."""
    return address.ipv4_mapped or address.sixtofour or address if isinstance(address, IPv6Address) else address


def permitted_ports(text: str) -> frozenset[int]:
    """Return the ports to which webhooks may be sent: 443, and those in a setting, separated by commas. Raises
    ValueError if one is not a port (1 to 65535).

    Any other port of a public host may be another service, such as a mail server, whose owner expects no webhooks.
    """
    found = [int(each) for each in text.split(",") if each.strip()]
    if not all(1 <= port <= 65535 for port in found):
        raise ValueError("a port is a number from 1 to 65535: write 8443,9443")
    return frozenset({HTTPS, *found})


def may_use_port(port: int, address: Address | None, permitted: Collection[int], trial: bool = False) -> bool:
    """Return True if a webhook may be sent to a port: one in `permitted`, or any of this machine in an embedded
    installation (`trial`). `address`: None for a host that is not resolved yet.
    """
    return port in permitted or (trial and address is not None and _judged(address).is_loopback)


def addresses(text: str) -> frozenset[Address]:
    """Return the IP addresses in a setting, separated by commas; empty for "". Raises ValueError if one is not an IP
    address.
    """
    return frozenset(ip_address(each.strip()) for each in text.split(",") if each.strip())
