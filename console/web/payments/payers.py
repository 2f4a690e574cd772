"""Who paid a suspect before it was told of: how many, how much, and some of them, for the person who decides."""

from dataclasses import dataclass, field

from console.web.auth.who import Who
from console.web.kit.services import Services
from domain.identity import masking
from schemas.people.residents import Resident
from schemas.risk.evidence import Payer
from schemas.risk.fan_outs import PayersRequest
from streams.operations import rules
from streams.screening.payers import Payers, token_of

LOOKED_AT = 100_000  # payments: an account that got more is told of as "at least"
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One payment, and who paid, masked; no name: the payer is not in the person's area."""

    payer: Payer
    name: str
    division: str


@dataclass(slots=True)
class Earlier:
    """The payments that wait. `more`: there are more than were looked at, so that the numbers are the least."""

    payers: set[str] = field(default_factory=set)
    amounts: dict[str, int] = field(default_factory=dict)  # fen, by the payment: its states are one payment
    first: list[Payer] = field(default_factory=list)
    looked_at: int = 0
    more: bool = False

    def add(self, payer: Payer) -> None:
        """Count one more payment."""
        if payer.resident not in self.payers and len(self.first) < EXAMPLES:
            self.first.append(payer)
        self.payers.add(payer.resident)
        self.amounts[payer.transfer] = payer.amount_fen
        self.looked_at += 1

    @property
    def amount_fen(self) -> int:
        """All the money."""
        return sum(self.amounts.values())


async def earlier(services: Services, request: PayersRequest) -> Earlier:
    """Look at the payments within the policy's window before the entry waited, some at a time."""
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
    """Some of those who paid, masked; of another's area nothing but the payment."""
    people = await services.line.residents.standing({payer.resident for payer in found.first})
    return [_example(who, payer, people.get(payer.resident)) for payer in found.first]


def _example(who: Who, payer: Payer, person: Resident | None) -> Example:
    if person is None or not who.sees(person.division):
        return Example(payer, "", "")
    return Example(payer, masking.name(person.name), person.division)
