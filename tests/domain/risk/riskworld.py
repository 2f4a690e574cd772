"""Signals about one made-up resident, and the policy's rules, for the tests of risk."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.policy.risk import RiskRules
from domain.risk import Assessment, Role, SignalContext, assess, evidence_of
from schemas.casework.cases import Profile
from schemas.levels import Level
from schemas.people.residents import BalanceBand, Language, Occupation, Sex
from schemas.risk.evidence import Evidence, WatchEntry, WatchStatus
from schemas.risk.signals import App, AppKind, Call, Channel, NumberClass, Report, Signal, Sms, Transfer, TransferState

POLICY = Path(__file__).resolve().parents[3] / "deploy/policy/jilin.toml"
RULES = RiskRules.model_validate(tomllib.loads(POLICY.read_text("utf-8"))["risk"])
NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
PAYEE = "atoken"
SUSPECT = WatchEntry(subject=f"account:{PAYEE}", standing=WatchStatus.CONFIRMED, at=NOW - timedelta(days=1))
REPORTED = SUSPECT.model_copy(update={"standing": WatchStatus.REPORTED})
LIFTED = SUSPECT.model_copy(update={"standing": WatchStatus.LIFTED, "at": NOW})


def profile(sex: Sex = Sex.FEMALE, born: int = 1980, occupation: Occupation = Occupation.EMPLOYEE) -> Profile:
    return Profile(
        birth_year=born,
        sex=sex,
        occupation=occupation,
        division="990101",
        language=Language.CHINESE,
        balance=BalanceBand.MIDDLE,
    )


PROFILES = [profile(sex, born, work) for sex in Sex for born in (1950, 1980, 2005) for work in Occupation]


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def call(
    ago: float = 10, seconds: int = 60, kind: NumberClass = NumberClass.GOIP, uid: str = "c1", ongoing: bool = False
) -> Call:
    parties = {"caller": "+85290000000", "called": "+8619900000001"}
    at = minutes_ago(ago)
    return Call(source="carrier", id=uid, at=at, seconds=seconds, ongoing=ongoing, number_class=kind, **parties)


def sms(ago: float = 10, kind: NumberClass = NumberClass.GOIP, uid: str = "s1") -> Sms:
    parties = {"sender": "10690000", "receiver": "+8619900000001"}
    return Sms(source="carrier", id=uid, at=minutes_ago(ago), number_class=kind, **parties)


def app(kind: AppKind = AppKind.LOAN, ago: float = 10, uid: str = "app1") -> App:
    target = "loan.example"
    return App(source="web", id=uid, at=minutes_ago(ago), phone="+8619900000001", app_kind=kind, target=target)


def transfer(
    ago: float = 5,
    state: TransferState = TransferState.SETTLED,
    fen: int = 3_200_000,
    balance: int | None = 4_000_000,
    new: bool = True,
    uid: str = "t1",
) -> Transfer:
    return Transfer(
        source="bank",
        id=uid,
        at=minutes_ago(ago),
        payer="990000000001",
        payee="990000000002",
        amount_fen=fen,
        channel=Channel.MOBILE_BANK,
        state=state,
        balance_fen=balance,
        new_payee=new,
    )


def report() -> Report:
    return Report(source="96110", id="r1", at=minutes_ago(10), phone="+8619900000001")


_ROLES = {Call: Role.CALLED, Sms: Role.RECEIVER, App: Role.SUBSCRIBER, Transfer: Role.PAYER, Report: Role.REPORTER}


def evidence(
    *signals: Signal, watch: WatchEntry | None = None, role: Role | None = None, offset: int = 0
) -> list[Evidence]:
    found: list[Evidence] = []
    for signal in signals:
        seen = SignalContext("signals", 0, offset, role or _ROLES[type(signal)], PAYEE, watch)
        found.extend(evidence_of(signal, seen, RULES))
    return found


def risk(members: list[Evidence], now: datetime = NOW, settled: datetime | None = None) -> Assessment:
    return assess(members, profile(), RULES, now, settled)


def level(members: list[Evidence], now: datetime = NOW, who: Profile | None = None) -> Level | None:
    danger = assess(members, who or profile(), RULES, now).danger
    return danger.level if danger else None
