"""Redis and Valkey with known vulnerabilities are named, with the versions that fix them."""

from pathlib import Path
from typing import cast

import pytest

from streams.monitoring.doctor import examine
from streams.runtime.settings import Settings
from streams.state.redis_versions import ADVISORIES, vulnerable
from tests.tools.servers.redis import RedisServer


def cves(info: dict[str, str]) -> set[str]:
    words = " ".join(each.what for each in vulnerable(info))
    return {advisory.cve for advisory in ADVISORIES if advisory.cve in words}


@pytest.mark.parametrize(
    ("version", "named"),
    [
        ("7.4.2", {"CVE-2026-81934", "CVE-2025-49844"}),
        ("7.4.10", {"CVE-2026-81934"}),
        ("7.4.11", set()),
        ("7.0.15", {"CVE-2026-81934", "CVE-2025-49844"}),  # this line never had a fix
        ("8.0.9", {"CVE-2026-81934"}),  # fixed in scripts, never in TLS
        ("8.10.1", set()),
        ("9.0.0", set()),
    ],
)
def test_a_redis_older_than_its_lines_fix_is_named(version: str, named: set[str]) -> None:
    assert cves({"redis_version": version}) == named


@pytest.mark.parametrize(
    ("version", "named"),
    [
        ("7.2.10", {"CVE-2025-49844"}),
        ("8.1.3", {"CVE-2026-56684", "CVE-2025-49844"}),
        ("8.1.8", {"CVE-2026-56684"}),
        ("9.1.1", set()),
        ("9.2.0", set()),
    ],
)
def test_a_valkey_is_judged_by_its_own_version_and_not_by_the_redis_it_imitates(version: str, named: set[str]) -> None:
    assert cves({"server_name": "valkey", "redis_version": "7.2.4", "valkey_version": version}) == named


@pytest.mark.parametrize("told", ["", "unstable", "255.255"])
def test_a_version_that_is_not_three_numbers_is_not_judged(told: str) -> None:
    assert list(vulnerable({"redis_version": told})) == []


async def test_doctor_reads_the_version_of_a_running_redis_and_of_the_vault(
    redis_aof: RedisServer, tmp_path: Path
) -> None:
    with redis_aof.client() as client, RedisServer(tmp_path / "vault") as vault:
        known = [each.what for each in vulnerable(cast("dict[str, str]", client.info("server")))]
        settings = Settings(kafka="127.0.0.1:1", redis=redis_aof.url, vault=vault.url, secret="the key of a test")
        told = [each for each in await examine(settings) if "is older than the fix of" in each.what]
    assert sorted(each.what for each in told) == sorted([*known, *(f"the vault: {each}" for each in known)])
    assert all(each.good and each.warns for each in told)


def test_a_finding_warns_names_what_to_install_and_stops_nothing() -> None:
    (tls, _) = vulnerable({"redis_version": "7.4.2"})
    assert tls.warns
    assert "7.4.11" in tls.do
    assert "a client that is not signed in" in tls.what
