"""The policy's risk rules. Weights are in bits: log2 of a likelihood ratio, so +1 doubles the odds."""

from collections.abc import Set
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section
from schemas.base import MOST_FEN, Fen, Text, Token
from schemas.casework.cases import Profile
from schemas.levels import RISING, Level
from schemas.people.residents import BalanceBand, Occupation, Sex
from schemas.risk.evidence import EvidenceKind

MOST_WITHOUT_ASKING = 5_000  # payments whose distinct payers are counted: the most that one script reads

Bits = Annotated[float, Field(ge=0, le=40)]


class Weight(Section):
    """How many bits a new piece of evidence of one kind adds (`bits`), and how fast that fades (`half_life`).

    `group`: the group of kinds with the same meaning. `hints`: which scams the evidence suggests: scam type -> bits.
    """

    group: Token
    bits: Annotated[float, Field(gt=0, le=40)]
    half_life: Duration
    hints: dict[Token, Bits] = Field(default_factory=dict)


class Group(Section):
    """Kinds of evidence with the same meaning: further ones count `repeat` of their bits, all further ones at most
    `cap`.
    """

    repeat: Annotated[float, Field(ge=0, le=1)]
    cap: Bits


class Call(Section):
    """The bits that a call adds by its length: `long_bits` if it lasts at least `long`, `ongoing_bits` while it goes
    on.

    `most`: a call without a reported end counts as ended after this time.
    """

    long: Duration
    long_bits: Bits
    ongoing_bits: Bits
    most: Duration


class Money(Section):
    """The bits that a payment adds.

    `window`: how long a payment counts. `moving_bits`: for a payment to a suspect that is not settled yet. A payment to
    a new payee counts if it is at least `least_fen` and `least_share` (0 to 1) of the balance; it then adds
    `share_bits` times its share of the balance as well. `balances`: the assumed money (fen) of each balance band, by
    which the queue ranks cases; it is shown nowhere.
    """

    window: Duration
    moving_bits: Bits
    least_fen: Fen
    least_share: Annotated[float, Field(ge=0, le=1)]
    share_bits: Bits
    balances: dict[BalanceBand, Fen]


class Together(Section):
    """Extra bits for two kinds of evidence if one of `second` occurs during one of `first` or `within` after it.
    `words`: the reason shown to people.
    """

    first: frozenset[EvidenceKind]
    second: frozenset[EvidenceKind]
    within: Duration
    bits: Bits
    words: Text


class Scam(Section):
    """A type of scam: `name` is what operators call it, `share` its share (0 to 1) of all cases."""

    name: str
    share: Annotated[float, Field(ge=1e-6, le=1)]


class AtRisk(Section):
    """A group hit `ratio` times as often as the population, by one scam or (without `scam`) by any.

    `sex`, `ages` (both inclusive), `occupations`: who belongs to it; left out: any. `source`: of the figure.
    """

    scam: Token | None = None
    sex: Sex | None = None
    ages: tuple[int, int] | None = None
    occupations: frozenset[Occupation] = frozenset()
    ratio: Annotated[float, Field(ge=0.01, le=100)]
    source: Annotated[str, Field(min_length=3)]

    def fits(self, profile: Profile, year: int) -> bool:
        """Return whether the resident belongs to the group in that year, with the age by the year of birth."""
        low, high = self.ages or (0, 200)
        return (
            self.sex in (None, profile.sex)
            and low <= year - profile.birth_year <= high
            and (not self.occupations or profile.occupation in self.occupations)
        )


class AgeLoss(Section):
    """The factor (`times`) on the mean loss for victims of these ages in years, both included."""

    ages: tuple[int, int]
    times: Annotated[float, Field(ge=0.01, le=100)]


class Losses(Section):
    """The loss that a scam is expected to cause. `scams`: the mean in fen by scam type; `usual`: the mean of any other
    type; `ages`: factors on it by the resident's age, 1 for ages without a factor.

    It is an estimate. A resident's own money is never taken for the loss.
    """

    usual: Fen
    scams: dict[Token, Fen] = Field(default_factory=dict)
    ages: Annotated[list[AgeLoss], Field(default_factory=list, max_length=20)]

    def of(self, scam: str, age: int) -> int:
        """Return the loss (fen) of a case of this scam type, with a resident of this age in years; at most MOST_FEN."""
        times = next((band.times for band in self.ages if band.ages[0] <= age <= band.ages[1]), 1.0)
        return min(MOST_FEN, round(self.scams.get(scam, self.usual) * times))


class RiskRules(Section):
    """Evidence weights, half-lives, at-risk groups and thresholds.

    `prior` and `levels` (the threshold of each) are log-odds in bits. `residual`: the share (0 to 1) that remains of
    evidence from before a case was settled. `keep`: how long a resident's evidence is kept after the latest addition;
    `bound`: how many items of each kind. `payers_without_asking`: a watchlist entry that would alert more payers of
    earlier payments waits for a person. `profile_bits`: the most by which group membership may change the odds.
    `evidence`: weights by kind, `groups`: groups of kinds by name, `together`: extra bits for pairs of kinds, `scams`:
    types of scam by name, `at_risk`: groups hit more or less often than others. `policy`: the whole policy's digest.
    """

    prior: Annotated[float, Field(ge=-40, le=0)]
    residual: Annotated[float, Field(ge=0, le=1)]
    bound: Annotated[int, Field(ge=8, le=128)]
    keep: Duration
    payers_without_asking: Annotated[int, Field(ge=0, le=MOST_WITHOUT_ASKING)]
    profile_bits: Annotated[float, Field(ge=0, le=4)]
    levels: dict[Level, float]
    call: Call
    money: Money
    groups: dict[Token, Group]
    evidence: dict[EvidenceKind, Weight]
    together: list[Together] = Field(default_factory=list)
    scams: Annotated[dict[Token, Scam], Field(min_length=1)]
    loss: Losses
    # More could overflow a float when multiplied.
    at_risk: Annotated[list[AtRisk], Field(default_factory=list, max_length=100)]
    policy: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _needs("levels", set(Level), set(self.levels))
        _needs("evidence", set(EvidenceKind), set(self.evidence))
        _needs("money.balances", set(BalanceBand), set(self.money.balances))
        thresholds = [self.levels[level] for level in RISING]
        if thresholds != sorted(set(thresholds)):
            raise refused(FaultCode.LEVELS_NOT_RISING, key="levels", given=thresholds)
        return self

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        halved = {f"evidence.{kind}.half_life": weight.half_life for kind, weight in self.evidence.items()}
        for key, span in ({"call.long": self.call.long} | halved).items():
            if span <= timedelta(0):
                raise refused(FaultCode.NO_TIME, key=key)
        return self

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Check that every group and scam type that is named is defined."""
        for kind, weight in self.evidence.items():
            if weight.group not in self.groups:
                raise refused(FaultCode.UNKNOWN_GROUP, key=f"evidence.{kind}", name=weight.group)
        hinted = {scam for weight in self.evidence.values() for scam in weight.hints}
        named = hinted | {group.scam for group in self.at_risk if group.scam} | set(self.loss.scams)
        if unknown := named - set(self.scams):
            raise refused(FaultCode.UNKNOWN_SCAMS, names=sorted(unknown))
        return self


def _needs(where: str, wanted: Set[str], found: Set[str]) -> None:
    if missing := sorted(wanted - found):
        raise refused(FaultCode.KEYS_MISSING, key=where, names=missing)
