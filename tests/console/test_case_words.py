"""The words of the case page: its scripts, its texts in each language, the facts of the journal."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from console.web.case import labels
from console.web.case.facts import RULES, told
from console.web.case.scripts import SCRIPTS, read, tree_of
from console.web.i18n import LOCALE, translations

WEB = Path(__file__).parents[2] / "console" / "web"


# ------------------------------------------------------------ words


async def test_the_deployed_scripts_are_found_and_read() -> None:
    assert tree_of("police").scam == "police"
    assert tree_of("something-new").scam == "general"
    assert len(read(SCRIPTS)) == 11


async def test_every_text_of_the_page_is_in_each_language() -> None:
    texts = set(labels.ALL) | {rule.words for rule in RULES}
    for file in sorted((WEB / "templates").glob("case*.html")):
        source = file.read_text("utf-8")
        texts |= {found[1] or found[2] for found in re.finditer(r"_\((?:\"([^\"]*)\"|'([^']*)')\)", source)}
        trans = re.findall(r"\{% trans [^%]*%\}(.*?)\{% endtrans %\}", source)
        texts |= {re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", text) for text in trans}
    for file in (*(WEB / "case").glob("*.py"), WEB / "routes" / "case.py", WEB / "routes" / "case_acts.py"):
        source = file.read_text("utf-8")
        texts |= set(re.findall(r"translate\((?:request, )?\"([^\"]*)\"", source))
        texts |= set(re.findall(r"FormError\([^,]*, \"([^\"]*)\"", source))
    for language in ("en", "ko"):
        catalogue = translations(language)
        assert {text for text in texts if catalogue.gettext(text) == text and re.search("[一-鿿]", text)} == set()


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_translation_keeps_what_is_put_into_its_text(language: str) -> None:
    with (LOCALE / language / "case.po").open("rb") as file:
        entries = [message for message in read_po(file) if message.id]
    for message in entries:
        names = re.findall(r"%\((\w+)\)s", str(message.id))
        assert sorted(names) == sorted(re.findall(r"%\((\w+)\)s", str(message.string))), message.id


@pytest.mark.parametrize(
    ("words", "chinese"),
    [
        ("flash sms, attempt 1: delivered", "闪信提醒第 1 次：已送达"),
        ("robot call, attempt 2: busy, late", "机器人外呼第 2 次：忙线（迟到）"),
        ("red to yellow: 已核实", "红 → 黄：已核实"),
        ("dissuaded, says li: 女儿在", "li 登记：已劝阻。女儿在"),
        ("the stop runs out at 2026-03-04 03:20 UTC; it is asked again", "止付 03-04 11:20 到期，将续止付"),
        ("script police: opening=yes; heard.secret=yes", "问答（冒充公检法）：方便；被要求保密"),
        ("220184-auxiliary-1: assigned; in the same county, free", "已派给 220184-auxiliary-1（同一区县，空闲）"),
        ("not reached; orange.operator is tried again", "未联系上；将重试 人工外呼"),
        ("held back by h1: 演练", "因静默 h1 暂缓：演练"),
        ("what nobody has a rule for", "what nobody has a rule for"),
        ("call me, attempt 1: please", "call me, attempt 1: please"),
    ],
)
async def test_a_fact_is_told_in_chinese_and_what_a_person_wrote_as_it_was_written(words: str, chinese: str) -> None:
    assert told(words, lambda text: text, tree_of) == chinese
