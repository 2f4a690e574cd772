"""The page of settings: the eleven that matter first, and each of all settings in one group."""

from collections import Counter

from console.reference.configuration import FIRST, GROUPS, configuration_page, variables

EVERY = [f"QUANZU_{name}" for names in GROUPS.values() for name in names]


def test_every_setting_is_in_one_group() -> None:
    assert [name for name, count in Counter(EVERY).items() if count > 1] == []
    assert set(EVERY) == set(variables())


def test_a_newcomer_sees_eleven_settings_before_all_others() -> None:
    assert len(FIRST) == len(set(FIRST)) == 11
    shown = [line.split("`")[1] for line in configuration_page().splitlines() if line.startswith("| `QUANZU_")]
    assert shown == [*FIRST, *EVERY]


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in variables().items() if not field.description] == []
