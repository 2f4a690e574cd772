"""The assumptions on how stolen money moves from account to account, how soon victims report it, and how banks answer
stop orders.

Shares are from 0 to 1. Figures that are not published are assumed, and marked so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.casework.movements import MovementKind
from simulators.assumptions.figures import APPROVAL_SECONDS, APPROVAL_SPREAD, BANK_REFUSES, BANK_SECONDS, BANK_SPREAD

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StolenMoney:
    """The assumptions of the study of stops. Each field's comment states its unit; shares are from 0 to 1.

    Delays are lognormal: a median, and sigma as their `spread`. `amount_yuan`, `amount_spread`: median and sigma of a
    theft, whose mean is Jilin's of 2020, ¥52,000 a case. `most_yuan`: the largest case of that year. `thefts_a_day`:
    from 7,485 cases in 2020.
    """

    thefts_a_day: float = 7_485 / 365
    amount_yuan: float = 13_000
    amount_spread: float = 1.665
    most_yuan: int = 5_920_000

    # Mules. They empty 80 to 90 % of an account within 3 to 10 minutes (Malaysia's centre). The rest is assumed.
    gang_victims: int = 4  # who pay on the same day, and whose money goes through the same accounts
    gang_pays: timedelta = 180 * MINUTE  # within which they pay
    layer_accounts: int = 3  # accounts of a gang at each hop in use; it replaces one that was stopped by another
    hops: tuple[int, int] = (2, 6)  # accounts that the money passes, the victim's payee included
    emptied: tuple[float, float] = (0.8, 0.9)
    stays: tuple[timedelta, timedelta] = (3 * MINUTE, 10 * MINUTE)
    rest_stays: tuple[timedelta, timedelta] = (60 * MINUTE, 240 * MINUTE)
    parts: tuple[int, int] = (1, 3)  # into which the money of an account is split
    leaves_early: float = 0.1  # share of parts that go out through a POS or a wallet before the last hop

    sells: float = 0.02  # share of onward transfers that pay an honest seller, for goods or currency; assumed

    # Victims and reports: assumed.
    noticed: tuple[tuple[float, float], ...] = ((0.35, 4), (0.4, 45), (0.25, 720))  # share, median minutes until told
    noticed_spread: float = 0.7
    form_seconds: float = 50
    form_spread: float = 0.3
    wrong: float = 0.05  # reports of an honest payment, in error ...
    malicious: float = 0.01  # ... and against somebody's account, knowingly
    refused_wrong: float = 0.3  # of wrong reports, share that the approving person declines ...
    refused_malicious: float = 0.5  # ... and of malicious ones
    fed: float = 0.55  # share of victims in the register whose payment a bank's feed has told

    # Persons who approve, and banks. Half of the desks answer by machine; the others are staffed by day. Assumed.
    approval_seconds: float = APPROVAL_SECONDS
    approval_spread: float = APPROVAL_SPREAD
    banks: int = 300
    by_machine: float = 0.5
    machine_seconds: float = BANK_SECONDS
    machine_spread: float = BANK_SPREAD
    desk_minutes: float = 4
    night_minutes: float = 20  # on call, from 20 to 8 o'clock
    desk_spread: float = 0.7
    refuses: float = BANK_REFUSES
    errs: float = 0.02  # answers that state half of what is there
    twice: float = 0.05  # answers that come again, under another name

    # Standing approvals. A person uses the option in so many approvals of orders about payees, with the policy's usual
    # limits. Assumed: it is one tick on the form, and the desk is told to; three in ten persons rather read each order.
    approves_later: float = 0.7

    # Objections to wrong stops, and the desk that reviews them. Assumed: the holder notices at the next payment, or is
    # told by the bank; a reviewer calls the bank and reads the holder's papers. Few mules dare to object.
    objects: float = 0.8  # share of honest holders who object ...
    objects_mule: float = 0.03  # ... and of mules
    objects_minutes: float = 180  # after the stop
    objects_spread: float = 1.0
    reviewers_day: int = 2  # persons who review, from 8 to 20 o'clock ...
    reviewers_night: int = 1  # ... and on call by night
    review_minutes: float = 25
    review_spread: float = 0.5
    upholds_honest: float = 0.95  # share of honest holders' objections that a review upholds ...
    upholds_mule: float = 0.02  # ... and of mules'


OUT = {MovementKind.CRYPTO: 0.35, MovementKind.CASH: 0.3, MovementKind.WALLET: 0.2, MovementKind.POS: 0.15}
"""How money leaves the last account; assumed."""

EARLY = {MovementKind.POS: 0.5, MovementKind.WALLET: 0.5}
"""How it leaves an account before; assumed."""


class Variation(NamedTuple):
    """A parameter with another value, while everything else is as assumed. `parameter`, `value`: as a report names
    them. `assumed`: fields of StolenMoney with their new values; `policy`: dotted paths in the policy with theirs, as
    texts in its notation.
    """

    parameter: str
    value: str
    assumed: Mapping[str, Any]
    policy: Mapping[str, str] = {}


_DELAYS = {
    "approval": ("approval_seconds",),
    "banks' answers": ("machine_seconds", "desk_minutes", "night_minutes"),
    "the form": ("form_seconds",),
    "time in a mule's account": ("stays", "rest_stays"),
    "time until the victim notices": ("noticed",),
}
_USUAL = StolenMoney()


def _times(value: Any, factor: float) -> Any:  # noqa: ANN401 - a number, a range of times, or shares with their minutes
    if not isinstance(value, tuple):
        return value * factor
    if isinstance(value[0], tuple):
        return tuple((share, minutes * factor) for share, minutes in value)
    return tuple(each * factor for each in value)


VARIATIONS = (
    *(
        Variation(delay, f"{factor:g} times", {name: _times(getattr(_USUAL, name), factor) for name in names})
        for delay, names in _DELAYS.items()
        for factor in (0.5, 2.0)
    ),
    Variation("banks that answer by machine", "a quarter", {"by_machine": 0.25}),
    Variation("banks that answer by machine", "all", {"by_machine": 1.0}),
    Variation("desks by night", "as fast as by day", {"night_minutes": 4}),
    Variation("stops that banks refuse", "none", {"refuses": 0.0}),
    Variation("stops that banks refuse", "a fifth", {"refuses": 0.2}),
    Variation("answers that state half of what is there", "none", {"errs": 0.0}),
    Variation("answers that state half of what is there", "a tenth", {"errs": 0.1}),
    Variation("accounts that the money passes", "2 to 3", {"hops": (2, 3)}),
    Variation("accounts that the money passes", "4 to 8", {"hops": (4, 8)}),
    Variation("share that leaves an account", "50 to 60 %", {"emptied": (0.5, 0.6)}),
    Variation("share that leaves an account", "95 to 100 %", {"emptied": (0.95, 1.0)}),
    Variation("parts of an account's money", "1", {"parts": (1, 1)}),
    Variation("parts of an account's money", "2 to 5", {"parts": (2, 5)}),
    Variation("parts that leave early", "none", {"leaves_early": 0.0}),
    Variation("parts that leave early", "three in ten", {"leaves_early": 0.3}),
    Variation("accounts of a gang at a hop", "1", {"layer_accounts": 1}),
    Variation("accounts of a gang at a hop", "6", {"layer_accounts": 6}),
    Variation("transfers to an honest seller", "none", {"sells": 0.0}),
    Variation("transfers to an honest seller", "a tenth", {"sells": 0.1}),
    Variation("wrong and malicious reports", "none", {"wrong": 0.0, "malicious": 0.0}),
    Variation("wrong and malicious reports", "three times as many", {"wrong": 0.15, "malicious": 0.03}),
    Variation("standing approvals", "none", {"approves_later": 0.0}),
    Variation("standing approvals", "always", {"approves_later": 1.0}),
    Variation("policy: orders of a case", "5", {}, {"trace.orders": "5"}),
    Variation("policy: orders of a case", "40", {}, {"trace.orders": "40"}),
    Variation("policy: least money of an order", "¥100", {}, {"trace.order_least_fen": "10000"}),
    Variation("policy: least money of an order", "¥10,000", {}, {"trace.order_least_fen": "1000000"}),
    Variation("policy: hops of the trace", "3", {}, {"trace.hops": "3"}),
    Variation("policy: hours of the trace", "12", {}, {"trace.within": "12h"}),
    Variation("policy: hops of a standing approval", "2", {}, {"plan.stop.later.usual.hops": "2"}),
)
"""The effects that the study measures: each parameter of it and of the policy's trace, lower and higher."""
