"""Every locked package has a licence that is allowed, and any other is refused."""

from dataclasses import replace

import pytest

from deploy.supply.licences import Copyleft, Table, faults, licence, refused, table
from deploy.supply.lock import IMAGE, WHOLE, read

RULES = Table(
    allowed={"MIT": "permissive", "Apache-2.0": "permissive"},
    copyleft={"stdnum": Copyleft("LGPL-2.1-or-later", "imported unchanged")},
    named={"MIT License": "MIT"},
    known={},
)


def test_every_locked_package_has_an_allowed_licence_and_no_entry_is_idle() -> None:
    rules, names = table(), {each.name for each in read(WHOLE)}
    assert faults(names, rules) == []
    words = " ".join(found for name in names if (found := licence(name, rules)))
    assert [each for each in rules.allowed if each not in words] == []


def test_copyleft_has_a_reason_and_the_image_has_none_stronger_than_lgpl() -> None:
    rules, shipped = table(), {each.name for each in read(IMAGE)}
    assert all(len(each.reason) > 20 for each in rules.copyleft.values())
    assert {each.licence.split("-")[0] for name, each in rules.copyleft.items() if name in shipped} == {"LGPL", "MPL"}


@pytest.mark.parametrize(
    "found", ["MIT", "MIT AND Apache-2.0", "GPL-3.0-only OR MIT", "MIT AND (GPL-3.0-only OR Apache-2.0)"]
)
def test_an_allowed_licence_satisfies_an_expression(found: str) -> None:
    assert refused("a", found, RULES) is None


@pytest.mark.parametrize(
    "found", ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "LGPL-2.1-or-later", "GPL-2.0-only OR AGPL-3.0-only"]
)
def test_any_other_licence_is_refused(found: str) -> None:
    assert f"a: {found} is not in [allowed]" in (refused("a", found, RULES) or "")


def test_copyleft_is_allowed_to_the_named_package_with_the_named_licence_alone() -> None:
    assert refused("stdnum", "LGPL-2.1-or-later", RULES) is None
    assert "says LGPL-2.1-or-later" in (refused("stdnum", "GPL-3.0-only", RULES) or "")


def test_a_package_that_names_no_licence_is_refused_until_somebody_has_read_it() -> None:
    assert licence("no-such-package", RULES) is None
    (fault,) = faults({"no-such-package", "stdnum", "rich"}, replace(RULES, known={"stdnum": "LGPL-2.1-or-later"}))
    assert fault.startswith("no-such-package: its metadata name no licence.")


def test_an_entry_for_a_package_that_is_gone_is_named() -> None:
    assert faults({"rich"}, RULES) == ["stdnum: is in licences.toml, but not in the lock"]
