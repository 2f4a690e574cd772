"""Counts the payments and payers of a suspect account before it was reported, or the calls and callees of a number, for
the person who decides whether to warn these people.
"""

from dataclasses import dataclass, field
from datetime import datetime

from console.web.auth.who import Who
from console.web.kit.services import Services
from domain.identity import masking
from domain.risk.fan_out import since
from schemas.people.residents import Resident
from schemas.risk.evidence import Callee, EarlierContact
from schemas.risk.fan_outs import PayersRequest
from streams.operations import rules
from streams.screening.payers import Payers, token_of

LOOKED_AT = 100_000  # payments; beyond this the counts are shown as "at least"
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One payment or call with the resident's masked name and division. Both are "" outside the reader's area.

    `fen`: the payment's amount; `seconds`: the call's duration; 0 for the other.
    """

    at: datetime
    fen: int
    seconds: int
    name: str
    division: str


@dataclass(slots=True)
class Earlier:
    """The earlier payments to an account, or calls from a number. `payers`: ids of residents who paid or were called;
    `first`: one payment or call of each of the first EXAMPLES of them.

    `looked_at`: the number of payments or calls read; `more`: True if some were not read, so that the counts are
    minimums.
    """

    payers: set[str] = field(default_factory=set)
    amounts: dict[str, int] = field(default_factory=dict)  # fen by payment, 0 by call: several states count once
    first: list[EarlierContact] = field(default_factory=list)
    looked_at: int = 0
    more: bool = False

    def add(self, payer: EarlierContact) -> None:
        """Add one payment or call to the counts. Several states of one payment count once in the sum."""
        if payer.resident not in self.payers and len(self.first) < EXAMPLES:
            self.first.append(payer)
        self.payers.add(payer.resident)
        name, fen = (payer.call, 0) if isinstance(payer, Callee) else (payer.transfer, payer.amount_fen)
        self.amounts[name] = fen
        self.looked_at += 1

    @property
    def amount_fen(self) -> int:
        """The sum of the counted payments in fen."""
        return sum(self.amounts.values())


async def earlier(services: Services, request: PayersRequest) -> Earlier:
    """Return the payments to the account, or the calls from the number, from the policy's time before its entry until
    the request was made; at most about LOOKED_AT (100,000) are read.

    `more` is True if some were left out. Raises UnknownPolicyError if the policy in force is stored nowhere,
    PolicyError if it is invalid. Errors of Kafka and Redis pass through.
    """
    line, found = services.line, Earlier()
    policy = await line.policies.get((await rules.standing(line)).policy)
    first, asked = since(request.entry.model_copy(update={"asked": None}), policy.risk), request.entry.asked
    async for some in Payers(line.redis, line.settings.partitions).walk(token_of(request.entry.subject), first):
        for payer in some:
            if asked is None or payer.at < asked.before:
                found.add(payer)
        if found.looked_at >= LOOKED_AT:
            found.more = True
            break
    return found


async def examples(services: Services, who: Who, found: Earlier) -> list[Example]:
    """Return one payment or call of each of the first EXAMPLES (10) people, in the order in which they were read, with
    masked names; outside the reader's area, or if the payer was erased, without name and division. Errors of Redis pass
    through.
    """
    people = await services.line.residents.standing({payer.resident for payer in found.first})
    return [_example(who, payer, people.get(payer.resident)) for payer in found.first]


def _example(who: Who, payer: EarlierContact, person: Resident | None) -> Example:
    fen, seconds = (0, payer.seconds) if isinstance(payer, Callee) else (payer.amount_fen, 0)
    if person is None or not who.sees(person.division):
        return Example(payer.at, fen, seconds, "", "")
    return Example(payer.at, fen, seconds, masking.name(person.name), person.division)
