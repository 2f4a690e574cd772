"""The words of the case page: its scripts, its texts in each language, the facts of the journal."""

import pytest

from console import labels
from console.web.case.facts import told
from console.web.case.scripts import SCRIPTS, read, tree_of
from console.web.kit.i18n import translations

# ------------------------------------------------------------ words


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_script_is_called_as_its_scam_type_is_everywhere_else(language: str) -> None:
    called = {scam: tree_of(scam).title.of(language) for scam in labels.SCAMS}
    assert called == {scam: translations(language).gettext(name) for scam, name in labels.SCAMS.items()}


async def test_the_deployed_scripts_are_found_and_read() -> None:
    assert tree_of("police").scam == "police"
    assert tree_of("something-new").scam == "general"
    assert len(read(SCRIPTS)) == 11


@pytest.mark.parametrize(
    ("words", "chinese"),
    [
        ("flash sms, attempt 1: delivered", "闪信提醒第 1 次：已送达"),
        ("robot call, attempt 2: busy, late", "智能外呼第 2 次：忙线（迟到）"),
        ("visit, attempt 1: failed (nobody on duty can go)", "见面劝阻第 1 次：失败（当班无人可去）"),
        ("w-1: assigned; in the same county, 2 open visits", "已派给 w-1（同一区县 · 手上 2 件）"),
        ("red to yellow: 已核实", "红 → 黄：已核实"),
        ("dissuaded, says li: 女儿在", "li 登记：已劝阻。女儿在"),
        ("the stop runs out at 2026-03-04 03:20 UTC; it is asked again", "止付 03-04 11:20 到期，将申请止付延期"),
        ("script police: opening=yes; heard.secret=yes", "问答（冒充公检法）：方便；被要求保密"),
        ("220184-auxiliary-1: assigned", "已派给 220184-auxiliary-1"),
        ("not reached; orange.operator is tried again", "未联系上；将重试 人工外呼"),
        ("held back by h1: 演练", "因暂停外呼 h1 暂缓：演练"),
        ("w-1: visit done; checked: chats, scam apps; 女儿在", "w-1：上门完成; 已查：聊天记录 · 涉诈 App; 女儿在"),
        ("w-1: visit done; checked: nothing", "w-1：上门完成; 已查：–"),
        ("w-1: refused: the next one is asked; 距离太远：在外地", "w-1 不能前往，改派他人; 距离太远：在外地"),
        ("w-1: handed over: the next one is asked; to w-2; 下班", "w-1 已移交，改派他人; 转给 w-2; 下班"),
        ("w-1: arrived; at 220104", "w-1 已到达; 朝阳区"),
        ("w-1: nobody at home; to be seen tomorrow; 邻居说", "w-1：家中无人; to be seen tomorrow; 邻居说"),
        ("interpreter: korean; 母亲只会朝鲜语", "需要翻译：朝鲜语; 母亲只会朝鲜语"),
        ("interpreter: sign", "需要翻译：手语"),
        ("arrived, says w-1: the case is closed", "w-1 的上门报告未采用：预警已办结"),
        ("what nobody has a rule for", "what nobody has a rule for"),
        ("call me, attempt 1: please", "call me, attempt 1: please"),
    ],
)
async def test_a_fact_is_told_in_chinese_and_what_a_person_wrote_as_it_was_written(words: str, chinese: str) -> None:
    assert told(words, lambda text: text, tree_of) == chinese
