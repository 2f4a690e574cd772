"""What `quanzu doctor` says before anything is lost: the table of public holidays is about to end."""

import asyncio
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
from kafka.errors import KafkaError

from streams.monitoring import doctor
from streams.monitoring.doctor import Diagnosis, examine
from streams.runtime.settings import Settings

TABLE = "[[holiday]]\nname = '国庆节'\nfirst = 2026-10-01\nlast = 2026-10-07\n"


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of the holidays of 2026 in place of the one that is deployed."""
    file = tmp_path / "holidays.toml"
    file.write_text(TABLE, "utf-8")
    monkeypatch.setenv("QUANZU_HOLIDAYS", str(file))
    return file


def told(tmp_path: Path, day: str) -> Diagnosis:
    """What doctor says of the holidays at noon of a day, where no server runs."""
    found = asyncio.run(examine(Settings(data=tmp_path, clock=f"1@{day}T12:00:00+08:00@{time.time()}")))
    (finding,) = [each for each in found if "holidays" in f"{each.what} {each.do}".lower()]
    return finding


@pytest.mark.parametrize("day", ["2026-01-01", "2026-10-08", "2026-10-31"])
def test_nothing_is_said_while_the_table_goes_on_for_sixty_days(tmp_path: Path, table: Path, day: str) -> None:
    finding = told(tmp_path, day)
    assert (finding.good, finding.warns, finding.what) == (True, False, "public holidays are known until 2026-12-31")


@pytest.mark.parametrize(("day", "how"), [("2026-11-01", "are"), ("2026-12-31", "are"), ("2027-03-01", "were")])
def test_a_table_that_ends_within_sixty_days_or_has_ended_is_told_with_what_to_do(
    tmp_path: Path, table: Path, day: str, how: str
) -> None:
    finding = told(tmp_path, day)
    assert (finding.good, finding.warns) == (True, True), "no warning is lost by it"
    assert finding.what == f"public holidays {how} known until 2026-12-31"
    assert "QUANZU_HOLIDAYS" in finding.do


def test_a_table_that_cannot_be_read_is_wrong(tmp_path: Path, table: Path) -> None:
    table.write_text("holiday = [", "utf-8")
    finding = told(tmp_path, "2026-03-01")
    assert not finding.good
    assert "not TOML" in finding.do


def test_who_has_told_of_no_holidays_is_not_warned_of_their_end(tmp_path: Path, table: Path) -> None:
    table.write_text("holiday = []", "utf-8")
    finding = told(tmp_path, "2026-03-01")
    assert (finding.good, finding.warns) == (True, False)


def test_the_connection_to_a_kafka_that_does_not_describe_itself_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = Mock()
    admin.describe_cluster.side_effect = KafkaError
    monkeypatch.setattr(doctor, "kafka_admin", lambda settings: admin)
    assert not doctor._kafka(Settings(data=tmp_path)).good
    admin.close.assert_called_once_with()


def deciding(tmp_path: Path, rights: str) -> Diagnosis:
    found = asyncio.run(examine(Settings(data=tmp_path, source_rights=rights)))
    (finding,) = [each for each in found if "suspects are confirmed" in each.what]
    return finding


def test_the_sources_that_confirm_are_told_and_a_bank_among_them_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deciding(tmp_path, "bank:report").what == "suspects are confirmed and lifted by no source"
    usual = deciding(tmp_path, "police:all")
    assert (usual.what, usual.warns) == ("suspects are confirmed and lifted by police", False)
    monkeypatch.setenv("QUANZU_PAYEE_CHECKS", "bank-x,bank-y")
    warned = deciding(tmp_path, "police:all,bank-x:confirmed")
    assert warned.warns
    assert warned.what.endswith("by bank-x, police, of which bank-x may also check payees")


def test_a_right_that_there_is_none_of_is_refused_with_the_setting_s_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="QUANZU_SOURCE_RIGHTS, entry 1: 'confirms' is no right"):
        Settings(data=tmp_path, source_rights="police:confirms")
