"""The bill of materials has every locked package, and is valid CycloneDX."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.supply.licences import table
from deploy.supply.lock import IMAGE, WHOLE, read
from deploy.supply.sbom import bill, written

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def text() -> str:
    return written(bill(read(WHOLE), read(IMAGE), table(), AT))


@pytest.fixture(scope="module")
def made(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_it_is_valid_by_the_schema_of_cyclonedx(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_every_locked_package_is_in_it_with_version_hashes_and_licence(made: dict[str, Any]) -> None:
    # Counted apart from deploy.supply.lock: what its reader leaves out would be missing from both.
    locked = re.findall(r"^([\w.-]+)==([^ ]+)", WHOLE.read_text("utf-8"), re.MULTILINE)
    parts = {(each["name"], each["version"]): each for each in made["components"]}
    assert parts.keys() == set(locked)
    hashes = {each["content"] for part in parts.values() for each in part["hashes"]}
    assert hashes == set(re.findall(r"sha256:([0-9a-f]{64})", WHOLE.read_text("utf-8")))
    assert all(part["licenses"] and part["hashes"] and part["purl"] for part in parts.values())


def test_what_is_in_the_image_is_told_from_what_only_develops_it(made: dict[str, Any]) -> None:
    required = {(each["name"], each["version"]) for each in made["components"] if each["scope"] == "required"}
    assert required == set(re.findall(r"^([\w.-]+)==([^ ]+)", IMAGE.read_text("utf-8"), re.MULTILINE))
    assert "pytest" not in {name for name, _ in required}


def test_it_says_what_needs_what(made: dict[str, Any]) -> None:
    needs = {each["ref"]: each.get("dependsOn", []) for each in made["dependencies"]}
    assert any(each.startswith("pkg:pypi/redis@") for each in needs["quanzu"])
    (starlette,) = [ref for ref in needs if ref.startswith("pkg:pypi/starlette@")]
    assert any(each.startswith("pkg:pypi/anyio@") for each in needs[starlette])
    reached, waiting = set[str](), ["quanzu"]
    while waiting:
        if (ref := waiting.pop()) not in reached:
            reached.add(ref)
            waiting += needs[ref]
    assert reached == needs.keys(), "each part is needed by something"


def test_the_same_lock_gives_the_same_file_and_another_lock_another_number(text: str, made: dict[str, Any]) -> None:
    assert written(bill(read(WHOLE), read(IMAGE), table(), AT)) == text
    other = json.loads(written(bill(read(IMAGE), read(IMAGE), table(), AT)))
    assert other["serialNumber"] != made["serialNumber"]


def test_a_package_without_a_hash_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("six==1.17.0 \\\n    # via quanzu (pyproject.toml)\n", "utf-8")
    with pytest.raises(ValueError, match="six has no hash"):
        read(lock)
