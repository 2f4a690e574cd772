"""An order to keep data: two persons begin it and end it early, and it protects one person until its end."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.desk.legal_holds import LegalHoldError, after_deed, deeds_open, hold_ended, protected, protects
from schemas.people.legal_holds import LegalAuthority, LegalHold, LegalHoldDeed, LegalHoldEntry, LegalHoldState

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
PERSON, OTHER = "r" + "a" * 16, "r" + "b" * 16
DAY = timedelta(days=1)


def entry(did: LegalHoldDeed, by: str, number: int = 0) -> LegalHoldEntry:
    return LegalHoldEntry(id=f"{did.value}-{by}-{number}", at=NOON, by=by, did=did)


def hold(*done: tuple[LegalHoldDeed, str], days: int = 30, resident: str = PERSON) -> LegalHold:
    made = LegalHold(
        id="l" + "1" * 20,
        resident=resident,
        ordered_by=LegalAuthority.COURT,
        number="2026-1",
        until=NOON + days * DAY,
        area="220104",
        entries=[entry(LegalHoldDeed.ENTERED, "first")],
    )
    for number, (did, by) in enumerate(done):
        made = after_deed(made, entry(did, by, number), NOON)
    return made


CONFIRMED = (LegalHoldDeed.CONFIRMED, "second")


def test_an_order_is_in_force_only_once_a_second_person_has_confirmed_it() -> None:
    assert not protects(hold(), NOON)
    with pytest.raises(LegalHoldError, match="same_person"):
        hold((LegalHoldDeed.CONFIRMED, "first"))
    assert protects(hold(CONFIRMED), NOON)
    assert hold((LegalHoldDeed.DROPPED, "first")).state is LegalHoldState.DROPPED


def test_an_order_is_in_force_until_its_end_and_not_after() -> None:
    made = hold(CONFIRMED)
    assert protects(made, made.until - timedelta(seconds=1))
    assert not protects(made, made.until)
    assert hold_ended(made, made.until)
    with pytest.raises(LegalHoldError, match="changed"):
        after_deed(made, entry(LegalHoldDeed.LIFT_ASKED, "second"), made.until)


def test_an_order_that_is_to_be_lifted_protects_until_another_person_agrees() -> None:
    asked = hold(CONFIRMED, (LegalHoldDeed.LIFT_ASKED, "third"))
    assert protects(asked, NOON)
    with pytest.raises(LegalHoldError, match="same_person"):
        after_deed(asked, entry(LegalHoldDeed.LIFTED, "third"), NOON)
    kept = after_deed(asked, entry(LegalHoldDeed.LIFT_REFUSED, "second"), NOON)
    assert kept.state is LegalHoldState.IN_FORCE
    lifted = after_deed(asked, entry(LegalHoldDeed.LIFTED, "second"), NOON)
    assert (lifted.state, protects(lifted, NOON), hold_ended(lifted, NOON)) == (LegalHoldState.LIFTED, False, True)


def test_each_form_counts_once_and_no_act_skips_a_state() -> None:
    made = hold(CONFIRMED)
    assert after_deed(made, made.entries[-1], NOON) == made
    for did in (LegalHoldDeed.LIFTED, LegalHoldDeed.CONFIRMED, LegalHoldDeed.DROPPED, LegalHoldDeed.ENTERED):
        with pytest.raises(LegalHoldError, match="changed"):
            after_deed(made, entry(did, "third"), NOON)


@pytest.mark.parametrize(
    ("made", "by", "wanted"),
    [
        (hold(), "first", [LegalHoldDeed.DROPPED]),
        (hold(), "second", [LegalHoldDeed.CONFIRMED, LegalHoldDeed.DROPPED]),
        (hold(CONFIRMED), "second", [LegalHoldDeed.LIFT_ASKED]),
        (hold(CONFIRMED, (LegalHoldDeed.LIFT_ASKED, "first")), "first", [LegalHoldDeed.LIFT_REFUSED]),
    ],
)
def test_a_page_offers_only_what_the_person_may_do(made: LegalHold, by: str, wanted: list[LegalHoldDeed]) -> None:
    assert deeds_open(made, by, NOON) == wanted
    assert deeds_open(made, by, made.until) == []
    for did in wanted:
        assert after_deed(made, entry(did, by, 99), NOON).version == made.version + 1


def test_an_order_protects_the_person_it_names_and_nobody_else() -> None:
    short, long = hold(CONFIRMED), hold(CONFIRMED, days=60)
    assert protected([short, long], [OTHER, PERSON], NOON) == long
    assert protected([short, long], [OTHER], NOON) is None
    assert protected([hold()], [PERSON], NOON) is None
