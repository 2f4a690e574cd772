"""Chooses the carrier that takes a message: by number range, whether it works, what it delivers, and its price."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.carriers.account import CarrierAccount
from domain.carriers.delivered_share import ALIKE


@dataclass(frozen=True, slots=True)
class Reachable:
    """The present state of a carrier.

    `bound`: it is connected. `slow`: its messages are late. `free`: its window and its agreed rate allow one more
    message. `trial_due`: if slow, it should get a message again, to see whether it has recovered.
    """

    account: CarrierAccount
    bound: bool
    slow: bool
    free: bool
    trial_due: bool


def eligible(accounts: Iterable[CarrierAccount], phone: str) -> tuple[str, ...]:
    """Return the names of the carriers whose number ranges include `phone` (E.164), sorted by price and
    then by name.
    """
    found = [each for each in accounts if not each.prefixes or phone.startswith(each.prefixes)]
    return tuple(each.name for each in sorted(found, key=lambda each: (each.price_fen, each.name)))


def choose(carriers: Iterable[Reachable], shares: Mapping[str, float], *, urgent: bool) -> str | None:
    """Return the name of the carrier, among those named in `shares`, that takes the next message; None: the message
    must wait. `shares`: the share of such messages that each is expected to deliver, 0 to 1.

    A message that is not `urgent` goes to a slow carrier that is free and whose trial is due, if there is one. Any
    other goes to a carrier that is connected, works and is free; to a slow one only if all connected carriers are slow.
    Of several, the one that delivers most is returned; or the cheapest of those whose shares differ from the best by at
    most ALIKE.
    """
    bound = [each for each in carriers if each.bound and each.account.name in shares]
    working = [each for each in bound if not each.slow]
    trials = [each for each in bound if each.slow and each.trial_due and each.free and not urgent]
    free = trials or [each for each in (working or bound) if each.free]
    if not free:
        return None
    best = max(shares[each.account.name] for each in free)
    alike = [each for each in free if shares[each.account.name] >= best - ALIKE]
    return min(alike, key=lambda each: (each.account.price_fen, each.account.name)).account.name
