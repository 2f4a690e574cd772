"""The README is what a newcomer goes by: what it shows is what the code says."""

from pathlib import Path

from console.reference.configuration import FIRST, table

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_readme_s_table_of_settings_is_the_ten_that_matter() -> None:
    assert table(FIRST) in README


def test_every_report_key_is_explained() -> None:
    for key in ("accepted", "conservation_holds", "cases_by_level", "warned", "loss_avoided_fen", "contacts_twice"):
        assert f"`{key}`" in README
