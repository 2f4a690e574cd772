"""Whatever is wrong with a policy is told in the page's language."""

from collections.abc import Iterator

import pytest

from console.web.kit.i18n import LANGUAGES, translations
from console.web.policies import policy_faults
from console.web.policies.policy_faults import FORMS, TOML, told
from domain.policy.lines import faults
from streams.runtime.settings import POLICY

JILIN = POLICY.read_text("utf-8")
BLUE = JILIN[JILIN.index("[plan.levels.blue]") : JILIN.index("# What a person may ask for")]
END = "核验码{code}，可拨96110核实。"  # of a flash SMS
FLASH = f"尾号{{tail}}：您正在遭遇诈骗！请立即停止转账、挂断对方电话，等候警方来电。{END}"

# What is changed, and into what; the Chinese that is told of it.
WRONG = (
    ("name =", "nam =", "缺少这一项"),
    ("name =", "nam =", "没有这一项，请检查拼写"),
    ("prior = -14.0", "prior = 1.0", "不得大于 0"),
    ("prior = -14.0", "prior = -41", "不得小于 -40"),
    ("prior = -14.0", "prior = nan", "须是有限的数"),
    ("prior = -14.0", 'prior = "much"', "须是数字"),
    ("prior = -14.0", "prior = []", "须是数字"),
    ("sudden = 10.0", "sudden = 1", "须大于 1"),
    ("busy_in_a_row = 2", 'busy_in_a_row = "two"', "须是整数"),
    ("busy_in_a_row = 2", "busy_in_a_row = 2.5", "须是整数"),
    ("least_fen = 100_000", "least_fen = 1.0", "须是整数"),
    ("quiet = false", 'quiet = "perhaps"', "须是 true 或 false"),
    ("quiet = false", "quiet = []", "须是 true 或 false"),
    ('name = "jilin"', "name = 3", "须是加引号的文字"),
    ("balances = {", "balances = 3 #", "须是一个表"),
    ('second = ["new_payee"', 'words2 = ["new_payee"', "没有这一项，请检查拼写"),
    ('first = ["app_meeting"]', 'first = "app_meeting"', "须是方括号括起的一列"),
    ("ages = [18, 40]", "ages = 18", "须是方括号括起的一列"),
    ("ages = [18, 40]", "ages = [18, 40, 50]", "最多 2 项"),
    ('scam = "brushing"\nsex = "female"', 'scam = "brushing"\nsex = "woman"', "须是下列之一：'male', 'female'"),
    ('acknowledged = "goes_on"', 'acknowledged = "on"', "须是下列之一：'goes_on', 'no_robot', 'dissuaded'"),
    ('words = "共享屏幕后即转账"', 'words = ""', "至少 1 个字"),
    ('words = "共享屏幕后即转账"', f'words = "{"啊" * 129}"', "最多 128 个字"),
    ('words = "共享屏幕后即转账"', 'words = "共享\\u200b屏幕"', "只能是看得见的字符"),
    ("[risk.groups]", "[risk.groups]\nUpper = { repeat = 0.0, cap = 0.0 }", "名称不合规则 ^[a-z0-9]"),
    ('home = ["06:30-08:00", "17:30-21:00"]', "home = []", "至少 1 项"),
    ('roles = ["officer", "auxiliary"]', "roles = []", "至少 1 项"),
    ('soon = "1m"', 'soon = "1"', "时长要写单位，不是 '1'"),
    ('soon = "1m"', 'soon = "9999d"', "时长最多 3660 天，不是 '9999d'"),
    ('quiet = "22:00-07:00"', 'quiet = "22-7"', "时段写作 22:00-07:00，不是 '22-7'"),
    ('utc = "+08:00"', 'utc = "8"', "时差写作 +08:00，不是 '8'"),
    ("red = 4.0 }", "red = -8.0 }", "门槛须由蓝到红依次升高，现在是 -10, -7, -3, -8"),
    ('long = "30m"', 'long = "0s"', "call.long 和每个 half_life 都须大于 0s"),
    ('door = "20m"', 'door = "0s"', "door 须大于 0s"),
    ("most = 6", "most = 2", "most 不得小于 ahead"),
    ('app_loan = { group = "app"', 'app_loan = { group = "apps"', "evidence.app_loan：[risk.groups] 中没有 apps"),
    ("hints = { brushing = 6.0 }", "hints = { brush = 6.0 }", "[risk.scams] 中没有：brush"),
    (", red = 4.0 }", " }", "levels 中缺少：red"),
    ("own_report =", "#", "evidence 中缺少：own_report"),
    ("low = 500_000, ", "", "money.balances 中缺少：low"),
    (BLUE, "", "[plan.levels] 中缺少：blue"),
    ('follow_up = { action = "follow_up"', '#{ action = "follow_up"', "[plan.asked] 中缺少：follow_up"),
    ('undelivered = ["again", "call"]', 'lost = ["again", "call"]', "没有 lost 这种结果，须是下列之一："),
    ('undelivered = ["again", "call"]', 'undelivered = ["call"]', "undelivered 须有且只有下列之一"),
    ("sms = 3, phone = 8", "sms = 30, phone = 8", "hour.sms（30）大于 day.sms（5）"),
    ("slow = 4.0", "slow = 40.0", "slow（40）大于 sudden（10）"),
    ('steady = "30m"', 'steady = "30s"', "steady 不足一分钟"),
    ('learn = "24h"', 'learn = "90h"', "learn 与 trial 合计超过 4 天"),
    (FLASH, FLASH.replace("，", "\\u200b"), "含有看不见的字符"),
    (END, f"{END}见 https://jilin.example", "含有链接、网址或 @"),
    (END, f"{END}见 jilin.example", "含有链接、网址或 @"),
    (END, f"{END}见 a@b", "含有链接、网址或 @"),
    (END, f"{END}}}", "花括号有误：占位符写作 {tail} 和 {code}"),
    (END, f"{END}{{name}}", "没有占位符 name：只有 {tail} 和 {code}"),
    (END, END.replace("{code}", "{code!r}"), "占位符不得带格式：只写 {tail} 或 {code}"),
    (END, END.replace("{code}", ""), "缺少占位符 code"),
    (END, END.replace("{code}", "{code}8"), "占位符紧挨着数字"),
    (END, f"{END}或拨 12345", "含有号码 12345：预警只能有 96110"),
    (f"【吉林反诈96110】{FLASH}", FLASH.replace("96110", ""), "缺少 96110"),
    ("[messages.flash_sms.ko]\ndefault", "[messages.flash_sms.ko]\npolice", "缺少 ko.default"),
    (END, f"{END}{'请' * 40}", "flash_sms.zh.default 要占 2 条短信，上限是 1 条（70 个字）"),
    ("请按1；", "请按一键；", "robot_call.zh.default 没有说明按键 1：1, 2, 9 的用途都要说明"),
)
# What makes a text no TOML, or too long, when it is appended.
BROKEN = (
    ("?", "看不懂这一行（第 1 列）"),
    ("a = 1 b = 2", "此处应当换行（第 7 列）"),
    ('a = "\x01"', "不允许的字符 '\\x01'（第 6 列）"),
    ("# \x01", "不允许的字符 '\\x01'（第 3 列）"),
    ("[duty]", "表 duty 写了两次"),
    ("[risk.levels.x]", "表 risk.levels.x 写了两次"),
    ("[[risk.levels]]", "risk.levels 前面已经写完整，不能再加"),
    ("[plan.levels]\nred.x = 1", "前面已经写完整，不能再加"),
    ("[new]\na = 1\na = 2", "这一项写了两次"),
    ("[new]\na = { b = 1, b = 2 }", "花括号内 b 写了两次"),
    ("[new", "表名后缺少方括号"),
    ("[[new]", "表名后缺少方括号"),
    ("[new]\na 1", "名称后缺少等号（第 3 列）"),
    ("[new]\n= 1", "看不懂这一行"),
    ("[]", "此处应当是名称"),
    ("[new]\na = [1", "方括号没有闭合，或缺少逗号（到文末为止）"),
    ("[new]\na = { b = 1", "花括号没有闭合，或缺少逗号（到文末为止）"),
    ('[new]\na = "b', "引号没有闭合"),
    ("[new]\na = 'b", "引号没有闭合"),
    ("[new]\na = '''b", "引号没有闭合（到文末为止）"),
    ('[new]\na = "\\q"', "文字中的反斜杠须写两次"),
    ('[new]\na = "\\u12"', "反斜杠后的字符编号有误"),
    ('[new]\na = "\\ud800"', "反斜杠后的字符编号有误"),
    ("[new]\na = 2026-02-30", "没有这个日期或时间"),
    ("[new]\na = yes", "值有误：文字要加引号（第 5 列）"),
    ("[new]\na = " + "[" * 1900, "数组或表嵌套太深"),
    ("#" * 2_001, "这一行超过 2,000 个字，或超过 100 个点"),
    ("# 长\n" * 100_000, "全文超过 400,000 个字"),
)


def texts() -> Iterator[tuple[str, str]]:
    """Each policy that is wrong, and what is told of it in Chinese."""
    for old, new, words in WRONG:
        assert old in JILIN, old
        yield JILIN.replace(old, new, 1), words
    yield from ((f"{JILIN}\n{more}", words) for more, words in BROKEN)


def chinese(words: str) -> str:
    return told(words, lambda text: text)


@pytest.mark.parametrize(("text", "words"), list(texts()), ids=[each[-1] for each in (*WRONG, *BROKEN)])
def test_a_fault_is_told_in_chinese(text: str, words: str) -> None:
    found = [chinese(fault.words) for fault in faults(text)]
    assert [each for each in found if words in each], [fault.words for fault in faults(text)]
    assert "" not in found, "every other fault that comes with it is told too"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "zh"])
def test_a_fault_is_told_in_each_language_without_a_word_of_chinese(language: str) -> None:
    known = translations(language)
    for text, _ in texts():
        for fault in faults(text):
            words = told(fault.words, known.gettext)
            assert not [sign for sign in words if "一" <= sign <= "鿿" and sign not in fault.words], words


def test_each_form_knows_a_fault_that_there_is() -> None:
    said = [fault.words for text, _ in texts() for fault in faults(text)]
    toml = [
        found["toml"]
        for words in said
        for form, _ in policy_faults.TEXT
        if (found := form.match(words)) and "toml" in found.groupdict()
    ]
    assert [form.pattern for form, _ in FORMS if not any(map(form.fullmatch, said))] == []
    assert [form.pattern for form, _ in TOML if not any(map(form.fullmatch, toml))] == []


def test_what_no_form_knows_is_not_told_in_other_words() -> None:
    assert chinese("Something new of pydantic's") == ""
