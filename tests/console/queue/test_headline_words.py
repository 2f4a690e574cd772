"""The amount of a case is one, wherever it is shown, and an estimate says that it is one. No server is needed."""

import pytest

from console.web.kit.pages import TEMPLATES, environment
from console.web.live.row import row_of
from console.web.overview.wall import UnclaimedRed
from domain.payments.headline import Headline, HeadlineKind
from schemas.levels import Level
from tests.domain.builders import NOON, danger, policy
from tests.domain.casework.test_triage import case, on_desk


def on_the_wall(money: Headline) -> str:
    """The list of reds on the wall, with one red case."""
    red = UnclaimedRed("", "", money, NOON, late=False, due=None)
    return environment("zh").get_template("wall_reds.html").render(reds=[red], reds_most=10, reds_small=8)


@pytest.mark.parametrize(("kind", "shown"), [(HeadlineKind.ESTIMATE, "≈ ¥20,700"), (HeadlineKind.STOPPED, "¥20,700")])
def test_the_wall_shows_the_amount_as_the_queue_and_the_desk_do(kind: HeadlineKind, shown: str) -> None:
    assert f'<span class="money">{shown}</span>' in on_the_wall(Headline(kind, 2_070_000, 0))


def test_a_row_has_the_one_amount_that_every_page_shows() -> None:
    estimated = case(Level.RED, danger=danger(Level.RED, exposure=2_070_000), steps=on_desk())
    row = row_of(estimated, None, None, policy(), NOON)
    assert row.headline == Headline(HeadlineKind.ESTIMATE, 2_070_000, 0)
    assert not {"stake_fen", "estimated"} & set(dir(row)), "a second amount, which pages could show instead"


def test_every_page_says_the_amount_by_the_one_macro() -> None:
    told = {path.name for path in TEMPLATES.glob("*.html") if "headline.amount_fen | yuan" in path.read_text("utf-8")}
    assert told == set()
