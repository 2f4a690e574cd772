"""A password that became public in a breach is refused, if the installation has the list of them."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from console.web.auth.passwords import breached
from console.web.kit.settings import ConsoleSettings
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import PASSWORD, Visitor, person, sign_in

KNOWN = [f"a public password {number}" for number in range(200)]


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def lines(passwords: list[str], end: str = "\n") -> bytes:
    """The list as it is published: each hash with how often it was found."""
    return "".join(sorted(f"{sha1(each)}:{at}{end}" for at, each in enumerate(passwords))).encode()


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("breached") / "list"
    file.write_bytes(lines(KNOWN, "\r\n"))
    return file


@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=40))
def test_a_password_is_found_if_the_list_has_it_and_only_then(
    tmp_path_factory: pytest.TempPathFactory, password: str, others: list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "breached"
    ascii_others = [each.encode("ascii", "backslashreplace").decode() for each in others]
    mine = password.encode("ascii", "backslashreplace").decode()
    file.write_bytes(lines(ascii_others))
    assert breached(file, mine) == (mine in ascii_others)
    file.write_bytes(lines([*ascii_others, mine]))
    assert breached(file, mine)


def test_each_password_of_the_list_is_found(listed: Path) -> None:
    assert all(breached(listed, each) for each in KNOWN)
    assert not any(breached(listed, f"{each}!") for each in KNOWN)
    assert not breached(None, KNOWN[0])
    assert not breached(listed.with_name("gone"), KNOWN[0])


@pytest.mark.parametrize("text", [b"", b"password\n", b"0" * 100])
def test_a_file_that_is_no_list_is_refused_at_the_start(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "list").write_bytes(text)
    with pytest.raises(ValidationError, match="a SHA-1 in capital hexadecimal digits in each line, sorted"):
        ConsoleSettings(breached_passwords=tmp_path / "list")
    with pytest.raises(ValidationError, match="No such file"):
        ConsoleSettings(breached_passwords=tmp_path / "none")


async def test_nobody_chooses_a_password_of_the_list(console: Stage, tmp_path: Path) -> None:
    somebody, leaked = await person(console), "月亮在看屋顶上的一只猫呢"
    (tmp_path / "list").write_bytes(lines([leaked]))
    before = console.services.settings
    console.services.settings = before.model_copy(update={"breached_passwords": tmp_path / "list"})
    try:
        async with Visitor(console) as visitor:
            await sign_in(visitor, somebody)
            told = {"current": PASSWORD, "password": leaked, "again": leaked}
            refused = await visitor.write("/account/password", **told)
            assert refused.status_code == 422
            assert "在别处泄露过" in refused.text
            console.services.settings = before
            assert (await visitor.write("/account/password", **told)).status_code == 303
    finally:
        console.services.settings = before
