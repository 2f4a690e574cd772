"""The assumptions on how stolen money moves from account to account, how soon victims report it, and how banks answer
stop orders.

Shares are from 0 to 1. Figures that are not published are assumed, and marked so.
"""

from dataclasses import dataclass
from datetime import timedelta

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

SLOWER = {
    "approval": ("approval_seconds",),
    "banks' answers": ("machine_seconds", "desk_minutes", "night_minutes"),
    "the form": ("form_seconds",),
}
"""The delays of the study's effects, by what takes the time: names of fields that are halved and doubled together."""
