"""The page for banks names every version, status and code that is read or written."""

from pathlib import Path
from typing import get_args

import pytest

from domain.payments import iso_codes
from domain.payments.institutions import Institution
from schemas.risk.signals import Channel
from streams.iso20022 import document, payments, resolution

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "iso20022.md").read_text("utf-8")
WRITTEN = get_args(get_args(Institution.model_fields["cancellation"].annotation)[0])
VERSIONS = (*payments.KINDS, *resolution.KINDS, *WRITTEN)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_has_its_schema_and_is_on_the_page(version: str) -> None:
    assert f"`{version}`" in PAGE
    assert (Path(document.__file__).parent / "schemas" / f"{version}.xsd").exists()


@pytest.mark.parametrize(
    "code",
    [*iso_codes.PENDING, *iso_codes.SETTLED, *iso_codes.FAILED, *iso_codes.RESOLVED, *iso_codes.HOLDS, *Channel],
)
def test_each_code_is_on_the_page(code: str) -> None:
    assert f"`{code}`" in PAGE
