"""A bank's mapping is validated as a whole: each mistake is reported with the file, the key and what to write."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feeds.bank_mapping import load
from domain.feeds.file_mapping import LONGEST, FileMappingError
from tests.domain.feeds.bank_mappings import MAPPING, mapping, text

FIXED = 'format = "fixed"\ncolumns = [{ name = "serial", width = 8 }, { name = "time", width = 19 }]'


@pytest.mark.parametrize(
    ("old", "new", "key", "fix"),
    [
        ('source = "alder"', 'source = "Alder Bank"', "source: ", "Correct it"),
        ('source = "alder"', "", "source: ", "it is missing. Add it"),
        ('unit = "yuan"', 'unit = "jiao"', "[amount] unit: ", "Write 'yuan', 'fen' or 'wan_yuan'"),
        ('unit = "yuan"', 'unit = "yuan"\nsing = "none"', "[amount] sing: ", "correct its name"),
        ('unit = "yuan"', 'unit = "yuan"\nthousands = "."', "[amount] thousands: ", "Write"),
        ('payer = "from"', "", "[columns] payer: ", "Add it"),
        ('payer = "from"', "payer = 4", "[columns] payer: ", "in quotes"),
        ('at = "time"', "at = []", "[columns] at: ", "Correct it"),
        ('at = "time"', "at = 1", "[columns] at: ", "not a list"),
        ('channel = "channel"', "", "[columns] channel is missing", "Add it"),
        ('state = "state"', "", "[columns] state is missing", "Add it"),
        ("[amount]", '[constant]\nstate = "settled"\n[amount]', "[constant] state", "Leave one"),
        ('"成功" = "settled"', '"成功" = "paid"', "[state] 成功: ", "Write 'attempted', 'pending' or 'settled'"),
        ('"是" = true', '"是" = "yes"', "[new_payee] 是: ", "Correct it"),
        ('format = "delimited"', 'format = "csv"', "file: ", 'Write format = "delimited", "fixed" or "xlsx"'),
        ('format = "delimited"', "", "file: ", 'Write format = "delimited"'),
        ('format = "delimited"', 'format = "delimited"\nencoding = "gbk"', "[file] encoding: ", "gb18030"),
        ('format = "delimited"', 'format = "delimited"\ndelimiter = "1"', "[file] delimiter: ", "no letter, digit"),
        ('format = "delimited"', 'format = "delimited"\ndelimiter = "|@|"', "file: ", 'Write quote = ""'),
        ('format = "delimited"', 'format = "delimited"\nquote = "a"', "[file] quote: ", "a sign such as"),
        ('format = "delimited"', 'format = "delimited"\nfooter = ["6"]', "[file.footer] 0: ", "two characters"),
        ('format = "delimited"', 'format = "delimited"\nfooter = ["66"]', "[file.footer] 0: ", "begin a payment"),
        ('format = "delimited"', 'format = "delimited"\nskip_first = -1', "[file] skip_first: ", "Correct it"),
        ('format = "delimited"', 'format = "delimited"\nnames = ["serial", "serial"]', "[file.names] serial", "twice"),
        ('format = "delimited"', 'format = "delimited"\nnames = ["serial"]', "[columns] time is not among", "Correct"),
        ('format = "delimited"', FIXED, "[columns] from is not among the columns of [file.columns]", "Correct"),
        ('format = "delimited"', FIXED.replace("8", "0"), "[file.columns.0] width: ", "Correct it"),
        ('format = "delimited"', 'format = "xlsx"\nencoding = "utf-8"', "[file] encoding: ", "no such key here"),
        ("%Y-%m-%d %H:%M:%S", "%d %H:%M", "[time] format: ", "must have the year"),
        ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %I:%M %p", "[time] format: ", "%I is not allowed"),
        ("%Y-%m-%d %H:%M:%S", "YYYY-MM-DD", "[time] format: ", "must have the year"),
        ('%S"', '%S"\nzone = "China"', "[time] zone: ", "Write Asia/Shanghai"),
        ('%S"', '%S"\nzone = "../../etc/passwd"', "[time] zone: ", "Write Asia/Shanghai"),
    ],
)
def test_a_mistake_is_named_by_file_and_key_with_the_fix(old: str, new: str, key: str, fix: str) -> None:
    with pytest.raises(FileMappingError) as told:
        mapping((old, new))
    lines = [line for line in str(told.value).splitlines() if key in line]
    assert lines, str(told.value)
    assert lines[0].startswith("alder.toml, ")
    assert fix in lines[0]


def test_all_mistakes_of_a_kind_are_reported_at_once() -> None:
    with pytest.raises(FileMappingError) as told:
        mapping(('unit = "yuan"', 'unit = "jiao"'), ('payer = "from"', ""))
    assert len(str(told.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("source = ", "not TOML"),
        ("x = " + "[" * 5_000, "alder.toml: "),
        ("#" * (LONGEST + 1), "8,193 characters. A mapping has 8,192 at most"),
    ],
)
def test_a_text_that_is_no_mapping_is_refused(given: str, why: str) -> None:
    with pytest.raises(FileMappingError, match=r"^alder\.toml") as told:
        load(given, "alder.toml")
    assert why in str(told.value)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "Asia/Urumqi"])
def test_a_zone_is_any_of_the_iana_list(zone: str) -> None:
    assert str(mapping(('%S"', f'%S"\nzone = "{zone}"')).time.tzinfo) == zone


def test_another_text_has_another_hash() -> None:
    assert mapping().hash == load(MAPPING).hash != mapping(("yuan", "fen")).hash


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_in_another_way(more: str) -> None:
    for whole in (more, text() + more, text(('format = "delimited"', f'format = "delimited"\n{more}'))):
        with suppress(FileMappingError):
            load(whole)
