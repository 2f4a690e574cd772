"""The schema of the topic `vaults`, of which no day on an embedded line has a record."""

import json
from datetime import UTC, datetime
from pathlib import Path

from jsonschema import Draft202012Validator

from schemas.administration.vaults import VaultNamed

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/schemas/vault.json").read_text("utf-8"))


def test_the_record_that_names_a_vault_fits_its_schema_and_another_s_name_does_not() -> None:
    check = Draft202012Validator(SCHEMA)
    named = json.loads(VaultNamed(vault="0" * 32, at=datetime(2026, 3, 1, tzinfo=UTC)).model_dump_json())
    assert check.is_valid(named)
    assert not check.is_valid({**named, "vault": "mine"})
