"""Examples of each level: cases in which a policy must give a certain level, however its weights were learnt.

They are the rows of the levels' table in the documentation, and its statements about single pieces of evidence. They
are not in the policy, because a policy must not choose them: weights are learnt within them (within.py), and a test
checks the policies in force. The hand-set policy shows that all examples can hold at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.policy.risk import RiskRules
from domain.risk.weigh import Scene, evidence_bits
from schemas.casework.cases import Profile
from schemas.levels import Level
from schemas.people.residents import BalanceBand, Language, Occupation, Sex
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState

_NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
_SHORT, _LONG = timedelta(minutes=1), timedelta(minutes=31)
_NUMBERS = (EvidenceKind.CALL_OVERSEAS, EvidenceKind.CALL_GOIP, EvidenceKind.CALL_SPOOFED)
_APPS = tuple(kind for kind in EvidenceKind if kind.startswith("app_"))
_MOVING = (TransferState.ATTEMPTED, TransferState.PENDING)
# Only the evidence is weighed; the most that a profile may change is added as a bound.
_ANYBODY = Profile(
    birth_year=1980,
    sex=Sex.FEMALE,
    occupation=Occupation.EMPLOYEE,
    division="990101",
    language=Language.CHINESE,
    balance=BalanceBand.MIDDLE,
)


@dataclass(frozen=True, slots=True)
class Example:
    """Evidence, and the level that it must have for every resident: at least `least`, and below `below`; None: no such
    limit.

    `says`: a description in words; `settled`: how long ago a case of the resident was settled, None: the resident had
    none.
    """

    says: str
    evidence: tuple[Evidence, ...]
    least: Level | None = None
    below: Level | None = None
    settled: timedelta | None = None

    def bits(self, rules: RiskRules) -> float:
        """Return the weight of the example's evidence under these rules, in bits. The prior and the profile are not
        included.
        """
        closed = None if self.settled is None else _NOW - self.settled
        members = tuple(sorted(self.evidence, key=lambda member: (member.at, member.id)))
        return evidence_bits(Scene(members, _ANYBODY, rules, _NOW, closed))

    def holds(self, rules: RiskRules) -> bool:
        """Return True if the example reaches `least` and stays below `below` under these rules, whatever bits the
        profile adds or subtracts. Raises KeyError if the rules have no threshold for one of the two levels.
        """
        odds, moved = rules.prior + self.bits(rules), rules.profile_bits
        reached = self.least is None or odds - moved >= rules.levels[self.least]
        return reached and (self.below is None or odds + moved < rules.levels[self.below])


def broken(rules: RiskRules) -> list[str]:
    """Return the descriptions (`says`) of the examples that do not get their level under these rules, in the order of
    EXAMPLES; empty if all get it.
    """
    return [example.says for example in EXAMPLES if not example.holds(rules)]


def _piece(kind: EvidenceKind, ago: timedelta, signal: str = "s", **more: object) -> Evidence:
    where = {"id": f"{signal}~{kind}", "partition": 0, "offset": 0}
    return Evidence.model_validate({"kind": kind, "at": _NOW - ago, **where, **more})


def _call(kind: EvidenceKind, ago: timedelta, lasted: timedelta = _SHORT, signal: str = "c") -> Evidence:
    return _piece(kind, ago, signal, seconds=int(lasted.total_seconds()))


def _live(kind: EvidenceKind, since: timedelta) -> Evidence:
    return _piece(kind, since, "c", ongoing=True)


def _paid(
    *kinds: EvidenceKind, ago: timedelta, state: TransferState = TransferState.SETTLED, balance: int | None = 4_000_000
) -> tuple[Evidence, ...]:
    """Return one payment of ¥32,000 as a piece of evidence of each of `kinds`. `balance`: in fen."""
    money = {"transfer": "t", "amount_fen": 3_200_000, "balance_fen": balance, "state": state}
    return tuple(_piece(kind, ago, "t", **money) for kind in kinds)


def _minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def _of_calls(kind: EvidenceKind) -> Iterator[Example]:
    new = EvidenceKind.NEW_PAYEE
    for ago in (0, 10):
        yield Example(f"one short {kind}", (_call(kind, _SHORT + _minutes(ago)),), Level.BLUE, Level.YELLOW)
    for times in (2, 3, 8, 40):
        calls = tuple(_call(kind, _minutes(10 * each), signal=f"c{each}") for each in range(1, times + 1))
        yield Example(f"{times} times {kind}", calls, Level.YELLOW, Level.ORANGE)
    yield Example(f"{kind} that goes on", (_live(kind, _minutes(10)),), Level.BLUE, Level.ORANGE)
    yield Example(f"{kind} that passes 30 min", (_live(kind, _minutes(30)),), Level.ORANGE, Level.RED)
    for ago in (0, 9):
        long = _call(kind, _LONG + _minutes(ago), _LONG)
        yield Example(f"{kind} of over 30 min", (long,), Level.ORANGE, Level.RED)
    paid = _paid(new, ago=_minutes(5), balance=None)
    yield Example(f"{kind} that goes on, and a new payee", (_live(kind, _minutes(10)), *paid), Level.RED)
    for state in _MOVING:
        moving = _paid(new, ago=_minutes(1), state=state)
        yield Example(
            f"payment {state} to a new payee just after {kind}", (_call(kind, _minutes(3)), *moving), Level.RED
        )
    late = _paid(new, ago=_minutes(5))
    yield Example(f"a new payee an hour after {kind}", (_call(kind, _minutes(90)), *late), below=Level.RED)
    before = _paid(new, ago=_minutes(30))
    yield Example(f"a new payee before {kind}", (_call(kind, _minutes(5)), *before), below=Level.RED)
    yield Example(f"{kind} of a week ago", (_call(kind, timedelta(days=7)),), below=Level.BLUE)


def _of_apps(kind: EvidenceKind) -> Iterator[Example]:
    before = _piece(kind, _minutes(60))
    yield Example(f"{kind}", (_piece(kind, _minutes(10)),), Level.YELLOW, Level.ORANGE)
    for times in (2, 3, 8, 40):  # money or a long call, not repetition, makes red or orange
        visits = tuple(_piece(kind, _minutes(10 * each), f"s{each}") for each in range(times))
        yield Example(f"{times} times {kind}", visits, Level.YELLOW, Level.ORANGE)
    yield Example(f"{kind} of before a case was closed", (before,), below=Level.BLUE, settled=_minutes(30))
    again = (before, _piece(kind, _minutes(10), "s2"))
    yield Example(f"{kind} again since", again, Level.YELLOW, Level.ORANGE, settled=_minutes(30))


def _of_money() -> Iterator[Example]:
    new, suspect, reported = EvidenceKind.NEW_PAYEE, EvidenceKind.SUSPECT_PAYEE, EvidenceKind.REPORTED_PAYEE
    for ago in (0.1, 24, 71.9):
        for kinds in ((suspect,), (suspect, new)):
            paid = _paid(*kinds, ago=timedelta(hours=ago))
            yield Example(f"paid to a suspect account {ago:g} h ago", paid, Level.ORANGE, Level.RED)
    for state in _MOVING:
        yield Example(f"payment {state} to a suspect account", _paid(suspect, ago=_minutes(5), state=state), Level.RED)
    whole = _paid(new, ago=_minutes(0), balance=3_200_000)
    yield Example("all of the balance paid to a new payee", whole, below=Level.BLUE)
    yield Example("paid to a reported account", _paid(reported, ago=_minutes(5)), Level.YELLOW, Level.ORANGE)
    for state in _MOVING:  # not confirmed: a report on a shop must not stop all payments to it
        under_way = _paid(reported, ago=_minutes(5), state=state)
        yield Example(f"payment {state} to a reported account", under_way, Level.ORANGE, Level.RED)


EXAMPLES: tuple[Example, ...] = (
    *(example for kind in _NUMBERS for example in _of_calls(kind)),
    *(example for kind in _APPS for example in _of_apps(kind)),
    *_of_money(),
    *(
        Example(
            f"one scam SMS {ago} min ago", (_piece(EvidenceKind.SCAM_SMS, _minutes(ago)),), Level.BLUE, Level.YELLOW
        )
        for ago in (0, 10)
    ),
    Example("a report of one's own", (_piece(EvidenceKind.OWN_REPORT, _minutes(10)),), Level.YELLOW, Level.ORANGE),
    Example(
        "a talk with a suspect number",
        (_call(EvidenceKind.SUSPECT_CALLER, _minutes(10)),),
        Level.YELLOW,
        Level.ORANGE,
    ),
)
