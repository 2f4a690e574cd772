"""Random thefts, and the reports that the warning centre gets: true, mistaken and malicious ones."""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import NamedTuple

from domain.identity.identifiers import new_resident_id
from simulators.assumptions.chance import pick, seconds, stream
from simulators.assumptions.stolen_money import StolenMoney
from simulators.pursuit.money import MuleGang

DAY = timedelta(days=1)


class ReportKind(StrEnum):
    """The kinds of reports.

    TRUE: the theft happened; WRONG: the reporter was mistaken about an honest payment; MALICIOUS: the report is a lie
    about somebody's account.
    """

    TRUE = "true"
    WRONG = "wrong"
    MALICIOUS = "malicious"


class TheftReport(NamedTuple):
    """A payment and the report of it.

    `paid_at`: when the payment was made; `told_at`: when the reporter called; `written_at`: when the form of the report
    was complete. `fed`: True if the victim is in the register and a feed has delivered the payment.
    """

    name: str
    kind: ReportKind
    resident: str
    amount_fen: int
    paid_at: datetime
    told_at: datetime
    written_at: datetime
    fed: bool


def reports(seed: int, assumed: StolenMoney, start: datetime, days: int) -> Iterator[TheftReport]:
    """Yield the reports of payments that are made within `days` days from `start`, not ordered by time.

    Payments to gangs may be made up to `assumed.gang_pays` later. Equal arguments give equal reports in the same order.
    """
    for number in range(round(assumed.thefts_a_day * days)):
        chance = stream(seed, "theft", number)
        gang = number // assumed.gang_victims
        began = start + days * DAY * stream(seed, "gang's day", gang).random()
        yield _reported(
            chance, seed, f"t{number}", ReportKind.TRUE, assumed, began + assumed.gang_pays * chance.random()
        )
        for kind, share in ((ReportKind.WRONG, assumed.wrong), (ReportKind.MALICIOUS, assumed.malicious)):
            if chance.random() < share:
                paid = start + days * DAY * chance.random()
                yield _reported(chance, seed, f"{kind}{number}", kind, assumed, paid)


def gangs(seed: int, assumed: StolenMoney, told: Iterable[TheftReport]) -> dict[str, MuleGang]:
    """Return the gang of each true report among `told`, keyed by the report's name. Reports of the same gang share one
    object.

    Call it again for each run, because a run changes the gangs.
    """
    made: dict[int, MuleGang] = {}
    found = {}
    for each in told:
        if each.kind is ReportKind.TRUE:
            number = int(each.name[1:]) // assumed.gang_victims
            chance = stream(seed, "gang", number)
            found[each.name] = made.setdefault(number, MuleGang(chance, f"gang-{number}", assumed))
    return found


def _reported(
    chance: Random, seed: int, name: str, kind: ReportKind, assumed: StolenMoney, paid: datetime
) -> TheftReport:
    middle = pick(chance, {minutes: share for share, minutes in assumed.noticed})
    told = paid + seconds(chance, middle * 60, assumed.noticed_spread)
    written = told + seconds(chance, assumed.form_seconds, assumed.form_spread)
    yuan = min(chance.lognormvariate(math.log(assumed.amount_yuan), assumed.amount_spread), assumed.most_yuan)
    who = new_resident_id(stream(seed, "resident", name).randbytes(10))
    fed = chance.random() < assumed.fed
    return TheftReport(name, kind, who, max(1, round(yuan)) * 100, paid, told, written, fed)
