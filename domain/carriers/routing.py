"""Which carrier takes a message: by number range, then by what works, then by price."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from domain.carriers.account import CarrierAccount


@dataclass(frozen=True, slots=True)
class Reachable:
    """A carrier at this moment. `bound`: connected; `slow`: its messages are late; `free`: its window and its agreed
    rate let one more through; `trial_due`: a slow carrier gets a message again, to see whether it has recovered.
    """

    account: CarrierAccount
    bound: bool
    slow: bool
    free: bool
    trial_due: bool


def eligible(accounts: Iterable[CarrierAccount], phone: str) -> tuple[str, ...]:
    """Return the names of the carriers whose number ranges include `phone` (E.164), the cheapest first."""
    found = [each for each in accounts if not each.prefixes or phone.startswith(each.prefixes)]
    return tuple(each.name for each in sorted(found, key=lambda each: (each.price_fen, each.name)))


def choose(carriers: Iterable[Reachable], wanted: Collection[str], *, urgent: bool) -> str | None:
    """Return the carrier that takes the next message, of those `wanted`; None: wait.

    The cheapest that works and is free. A slow one gets a message only as a trial, which no `urgent` one is, or if no
    other is bound.
    """
    bound = [each for each in carriers if each.bound and each.account.name in wanted]
    working = [each for each in bound if not each.slow]
    trials = [each for each in bound if each.slow and each.trial_due and each.free and not urgent]
    free = trials or [each for each in (working or bound) if each.free]
    if not free:
        return None
    return min(free, key=lambda each: (each.account.price_fen, each.account.name)).account.name
