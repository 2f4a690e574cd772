"""A made-up scam with payments, and the truth about it."""

from datetime import UTC, datetime, timedelta

from schemas.casework.cases import Case, CaseState, LossAvoided
from schemas.levels import EvidenceClass, Level
from schemas.people.residents import Occupation, Resident, Sex
from schemas.risk.signals import Channel
from simulators.scams.story import Gang, Pay, Story
from simulators.world.truth import Life, Truth
from tests.domain.builders import danger, profile

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
VICTIM = "raaaaaaaaaaaaaaaa"


def pay(name: str, minutes: float, fen: int) -> Pay:
    """A payment made so many minutes after noon that settles a minute later."""
    at = NOON + timedelta(minutes=minutes)
    return Pay(
        at=at,
        settles=at + timedelta(minutes=1),
        amount_fen=fen,
        payee="999000000000",
        payer="999000000001",
        source="bank",
        channel=Channel.MOBILE_BANK,
        new_payee=True,
        balance_fen=None,
        id=name,
    )


def life(*payments: Pay, who: str = VICTIM) -> Life:
    victim = Resident(
        id=who, name="某某", birth_year=1980, sex=Sex.FEMALE, occupation=Occupation.EMPLOYEE, division="220102"
    )
    gang = Gang("g", "loan", (), (), "loan.example", ())
    return Life(Story("s", "loan", victim, gang, NOON, payments))


def truth(*lives: Life) -> Truth:
    return Truth({each.story.victim.id: each for each in lives})


def case(kept: dict[str, tuple[EvidenceClass, int]], who: str = VICTIM, level: Level = Level.ORANGE) -> Case:
    """A case with these claims, by transfer."""
    return Case(
        id=f"{who}-1",
        resident=who,
        number=1,
        version=1,
        policy="p",
        state=CaseState.CONTACTING,
        level=level,
        danger=danger(level),
        profile=profile(),
        opened_at=NOON,
        updated_at=NOON,
        kept={name: LossAvoided(evidence=evidence, amount_fen=fen) for name, (evidence, fen) in kept.items()},
    )
