"""A policy's mistakes with their lines, and what one policy changes in another."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.policy import faults_of, load, versions
from domain.policy.difference import About, changes, lines
from domain.policy.faults import FaultCode
from domain.policy.lines import array_items, places_of, repeated
from schemas.casework.policies import Earlier, InForce, Stopped
from schemas.codes.plan import TooManyInMinute

JILIN = (Path(__file__).parents[3] / "deploy/policy/jilin.toml").read_text("utf-8")
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


def line(part: str, text: str = JILIN) -> int:
    """The line on which this stands first."""
    return next(number for number, each in enumerate(text.split("\n"), 1) if part in each)


def test_the_policy_that_is_deployed_has_no_fault() -> None:
    assert faults_of(JILIN) == ()


def test_toml_that_is_none_is_told_with_its_line() -> None:
    broken = JILIN.replace('quiet = "22:00-07:00"', 'quiet = "22:00-07:00')
    (fault,) = faults_of(broken)
    assert fault.line == line('quiet = "22:00-07:00', broken)


@pytest.mark.parametrize(
    ("good", "bad", "where", "code"),
    [
        ("prior = -14.0", "prior = 14.0", "risk.prior", FaultCode.TOO_LARGE),
        ('window = "72h"', 'window = "72"', "risk.money.window", FaultCode.DURATION_UNIT),
        ('retry = "15s"', 'retryy = "15s"', "plan.retryy", FaultCode.UNKNOWN_KEY),
        ("red = 4.0 }", "red = -8.0 }", "risk.levels", FaultCode.LEVELS_NOT_RISING),
        (
            'app_loan = { group = "app"',
            'app_loan = { group = "apps"',
            "risk.evidence.app_loan",
            FaultCode.UNKNOWN_GROUP,
        ),
        ("hour = { all = 12, sms = 3", "hour = { all = 12, sms = 30", "fatigue.hour", FaultCode.HOUR_OVER_DAY),
    ],
)
def test_a_wrong_key_is_told_with_its_line(good: str, bad: str, where: str, code: FaultCode) -> None:
    broken = JILIN.replace(good, bad, 1)
    assert broken != JILIN
    found = [fault for fault in faults_of(broken) if fault.code is code]
    assert found, faults_of(broken)
    assert found[0].where.startswith(where)
    assert found[0].line == line(bad, broken)


def test_a_key_within_braces_has_the_line_of_the_whole() -> None:
    broken = JILIN.replace(
        'sms = { action = "flash_sms", result_within = "60s"', 'sms = { action = "flash_sms", result_within = "60"'
    )
    (fault,) = faults_of(broken)
    assert fault.where == "plan.levels.red.steps.sms.result_within"
    assert fault.line == line('result_within = "60"', broken)


def test_the_third_group_at_risk_is_the_one_that_is_named() -> None:
    broken = JILIN.replace("ages = [18, 40]\nratio = 2.0", "ages = [18, 40]\nratio = 2000.0")
    (fault,) = faults_of(broken)
    assert fault.line == line("ratio = 2000.0", broken)


def test_a_key_that_is_missing_has_its_table_s_line() -> None:
    broken = JILIN.replace('keep = "60d"\n', "")
    (fault,) = faults_of(broken)
    assert (fault.where, fault.line) == ("risk.keep", line("[risk]", broken))


def test_a_text_of_several_lines_holds_no_keys() -> None:
    text = 'name = "x"\nwords = """\n[risk]\nprior = 1\n"""\n[plan]\nsoon = "1m"\n'
    assert dict(places_of(text)) == {("name",): 1, ("words",): 2, ("plan",): 6, ("plan", "soon"): 7}


def test_what_stands_twice_is_found_where_it_stands_again() -> None:
    assert repeated("[a]\nb = 1\n[c]\nb = 1\n[a]\n", 9) == (("a",), 5)
    assert repeated("[a]\nb = 1\nb = 2\n", 9) == (("a", "b"), 3)
    assert repeated("[a]\nb = { c = 1 }\n[a.b.d]\n", 9) == (("a", "b", "d"), 3)


def test_tables_of_an_array_and_a_parent_after_its_child_do_not_stand_twice() -> None:
    assert repeated("[[a]]\nb = 1\n[a.c]\nd = 1\n[[a]]\nb = 1\n[a.c]\nd = 1\n", 9) is None
    assert repeated("[a.b]\nc = 1\n[a]\nd = 1\n", 9) is None


def test_the_difference_tells_thresholds_clocks_and_weights() -> None:
    after = (
        JILIN.replace("red = 4.0 }", "red = 5.0 }")
        .replace('soon = "1m"', 'soon = "2m"')
        .replace('suspect_caller = { group = "contact", bits = 8.5', 'suspect_caller = { group = "contact", bits = 9.5')
    )
    load(after)
    found = [(change.about, ".".join(change.path), change.before, change.after) for change in changes(JILIN, after)]
    assert found == [
        (About.THRESHOLD, "risk.levels.red", "4.0", "5.0"),
        (About.WEIGHT, "risk.evidence.suspect_caller.bits", "8.5", "9.5"),
        (About.CLOCK, "plan.soon", "1m", "2m"),
    ]


def test_a_group_put_in_before_others_is_the_only_change() -> None:
    more = '[[risk.at_risk]]\nscam = "gaming"\nages = [10, 20]\nratio = 2.0\nsource = "assumed"\n\n'
    after = JILIN.replace("[[risk.at_risk]]", more + "[[risk.at_risk]]", 1)
    (change,) = changes(JILIN, after)
    assert (change.about, change.before) == (About.AT_RISK, None)
    assert "gaming" in (change.after or "")


def test_the_lines_that_differ_are_shown_with_some_round_them() -> None:
    found = lines("a\nb\nc\n", "a\nx\nc\n")
    assert [(each.mark, each.text) for each in found][1:] == [(" ", "a"), ("-", "b"), ("+", "x"), (" ", "c")]
    assert lines(JILIN, JILIN) == []


def standing(policy: str, *earlier: str, stopped: str | None = None) -> InForce:
    stop = Stopped(at=NOW, reason=TooManyInMinute(71, 7.0), hold="b1", until=NOW)
    return InForce(
        policy=policy,
        good=policy,
        since=NOW,
        by="li",
        stopped={stopped: stop} if stopped else {},
        earlier=[Earlier(policy=each, since=NOW - timedelta(days=n), by="li") for n, each in enumerate(earlier, 1)],
    )


@pytest.mark.parametrize(
    ("now", "back"),
    [
        (standing("b", "a"), "a"),
        (standing("c", "b", "a"), "b"),
        (standing("c", "b", "a", stopped="b"), "a"),
        (standing("a", "b", "a"), None),  # gone back to a: not to b again
        (standing("b", "c", "b", "a"), "a"),
        (standing("a"), None),
    ],
)
def test_what_is_gone_back_to_is_the_one_before_that_was_neither_stopped_nor_left(
    now: InForce, back: str | None
) -> None:
    found = versions.before(now)
    assert (found.policy if found else None) == back


def test_the_history_tells_from_when_until_when() -> None:
    found = list(versions.history(standing("b", "a")))
    assert [(each.policy, each.until) for each in found] == [("b", None), ("a", NOW)]


def test_the_items_of_an_array_have_lines_of_their_own() -> None:
    text = '[t]\na = [\n  { x = "]{" },  # {\n\n  { y = [{ z = 1 }] },\n]\nb = 1\nc = [{}, {}]\nd = "[{}]"\n'
    items = [(("t", "a", "0"), 3), (("t", "a", "1"), 5), (("t", "c", "0"), 8), (("t", "c", "1"), 8)]
    assert list(array_items(text)) == items
