"""Strategies of hypothesis for the inputs of a case."""

from datetime import timedelta

from hypothesis import strategies as st

from schemas.casework.acts import OutcomeAct
from schemas.casework.movements import MovedAccount, MovementKind, OnwardMovement
from schemas.casework.searches import AssignedPlace, SearchGround, StartSearchAct, StopGround, StopSearchAct
from schemas.levels import Level, Outcome
from schemas.people.residents import Flag
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState
from tests.domain.builders import NOON, danger, payment, profile

TRANSFERS = st.sampled_from(["bank:1", "bank:2", "bank:3"])
AMOUNTS = st.integers(0, 2_000_000)
PEOPLE = st.sampled_from(["operator li", "operator han"])
ROLES = st.sampled_from([None, StaffRole.OPERATOR, StaffRole.RELEASE_DESK, StaffRole.OFFICER])
CLAIMS = st.lists(
    st.fixed_dictionaries({"transfer": TRANSFERS, "evidence": st.sampled_from("ABCD"), "amount_fen": AMOUNTS}),
    max_size=2,
)


OUTCOMES = st.builds(
    OutcomeAct.model_validate,
    st.fixed_dictionaries({"outcome": st.sampled_from(Outcome), "kept": CLAIMS, "lost_fen": AMOUNTS}),
)


PAYMENTS = st.lists(
    st.builds(
        payment,
        TRANSFERS,
        AMOUNTS,
        st.sampled_from(TransferState),
        st.sampled_from(["a1", "a2"]),
        st.just(NOON),
        st.sampled_from([None, WatchStatus.REPORTED, WatchStatus.CONFIRMED]),
    ),
    max_size=3,
    unique_by=lambda made: made.transfer,
)


SEARCHES = st.sampled_from(["s1", "s2", "s3"])
SEARCH_ACTS = st.one_of(
    st.builds(
        StartSearchAct,
        search=SEARCHES,
        ground=st.sampled_from(SearchGround),
        missing_since=st.just(NOON - timedelta(hours=1)),
        hours=st.integers(1, 12),
        places=st.just([AssignedPlace(number=f"p{n}", officer=f"officer {n}") for n in (1, 2)]),
    ),
    st.builds(StopSearchAct, search=SEARCHES, ground=st.sampled_from(StopGround)),
)
PLACE_REPORTS = st.fixed_dictionaries(
    {
        "by": st.sampled_from(["officer 1", "officer 2", "officer 3"]),
        "search": SEARCHES,
        "number": st.sampled_from(["p1", "p2", "p3"]),
        "state": st.sampled_from(["not_there", "not_looked", "found"]),
    }
)


PROFILES = st.builds(
    lambda flags, contacts: profile(*flags, contacts=contacts), st.sets(st.sampled_from(Flag)), st.integers(0, 2)
)


MOVEMENTS = st.lists(
    st.builds(
        lambda payer, payee, fen, number: OnwardMovement(
            payer=MovedAccount(bank="abc", token=payer),
            payee=MovedAccount(bank="boc", token=payee) if payee else None,
            kind=MovementKind.TRANSFER if payee else MovementKind.CASH,
            amount_fen=fen,
            at=NOON + timedelta(minutes=number),
            sequence=number,
        ),
        st.sampled_from(["a1", "a2", "a3"]),
        st.sampled_from([None, "a2", "a3"]),
        AMOUNTS,
        st.integers(0, 5),
    ),
    max_size=3,
)


DANGERS = st.builds(
    lambda level, reason, exposure, live: danger(level, reason, exposure=exposure, call_since=NOON if live else None),
    st.sampled_from(Level),
    st.sampled_from("abc"),
    AMOUNTS,
    st.booleans(),
)
