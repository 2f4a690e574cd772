"""Counts who paid a suspect account before it was reported, for the person who decides whether to warn them."""

from dataclasses import dataclass, field

from console.web.auth.who import Who
from console.web.kit.services import Services
from domain.identity import masking
from schemas.people.residents import Resident
from schemas.risk.evidence import Payer
from schemas.risk.fan_outs import PayersRequest
from streams.operations import rules
from streams.screening.payers import Payers, token_of

LOOKED_AT = 100_000  # payments; beyond this the counts are shown as "at least"
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One payment with its payer's masked name and division. Both are "" outside the reader's area."""

    payer: Payer
    name: str
    division: str


@dataclass(slots=True)
class Earlier:
    """The earlier payments to an account. `payers`: ids of residents; `first`: one payment of each of the first
    EXAMPLES payers.

    `looked_at`: the number of payments read; `more`: whether some were not read, so that the counts are minimums.
    """

    payers: set[str] = field(default_factory=set)
    amounts: dict[str, int] = field(default_factory=dict)  # fen by payment: several states of one payment count once
    first: list[Payer] = field(default_factory=list)
    looked_at: int = 0
    more: bool = False

    def add(self, payer: Payer) -> None:
        """Add one payment to the counts."""
        if payer.resident not in self.payers and len(self.first) < EXAMPLES:
            self.first.append(payer)
        self.payers.add(payer.resident)
        self.amounts[payer.transfer] = payer.amount_fen
        self.looked_at += 1

    @property
    def amount_fen(self) -> int:
        """The sum of the counted payments in fen."""
        return sum(self.amounts.values())


async def earlier(services: Services, request: PayersRequest) -> Earlier:
    """Return the payments to the account from the policy's window before its entry until the request was made."""
    line, found = services.line, Earlier()
    policy = await line.policies.get((await rules.standing(line)).policy)
    first, asked = request.entry.at - policy.risk.money.window, request.entry.asked
    async for some in Payers(line.redis, line.settings.partitions).walk(token_of(request.entry.subject), first):
        for payer in some:
            if asked is None or payer.at < asked.before:
                found.add(payer)
        if found.looked_at >= LOOKED_AT:
            found.more = True
            break
    return found


async def examples(services: Services, who: Who, found: Earlier) -> list[Example]:
    """Return one payment of each of the first EXAMPLES payers, with masked names; outside the reader's area without
    name and division.
    """
    people = await services.line.residents.standing({payer.resident for payer in found.first})
    return [_example(who, payer, people.get(payer.resident)) for payer in found.first]


def _example(who: Who, payer: Payer, person: Resident | None) -> Example:
    if person is None or not who.sees(person.division):
        return Example(payer, "", "")
    return Example(payer, masking.name(person.name), person.division)
