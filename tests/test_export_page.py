"""The page on exports tells of what is exported."""

from pathlib import Path

import pytest

from streams.operations.export import Kind, schema

PAGE = Path("docs/export.md").read_text("utf-8")


@pytest.mark.parametrize("kind", Kind)
def test_the_page_tells_of_each_column(kind: Kind) -> None:
    table = PAGE.partition(f"| `{kind}` | |")[2].partition("\n\n")[0]
    assert [name for name in schema(kind).names if f"`{name}`" not in table] == []
