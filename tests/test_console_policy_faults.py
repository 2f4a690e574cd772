"""Whatever is wrong with a policy is said in the reader's language: a code with parameters, and a sentence for each."""

import re
from collections.abc import Iterator
from functools import cache
from typing import get_args

import pytest
import tomlkit
from pydantic_core.core_schema import ErrorType

from console.policy_faults import SENTENCES, in_english, sentence
from console.web.kit.i18n import LANGUAGES, translations
from domain.policy import PolicyError, faults_of, load
from domain.policy.faults import OF_PYDANTIC, FaultCode, PolicyFault
from streams.runtime.settings import POLICY
from tests.domain.experiments.plans import WORDING, fields

JILIN = POLICY.read_text("utf-8")
BLUE = JILIN[JILIN.index("[plan.levels.blue]") : JILIN.index("# What a person may ask for")]
END = "核验码{code}，可拨96110核实。"  # of a flash SMS
FLASH = f"尾号{{tail}}：您正在遭遇诈骗！请立即停止转账、挂断对方电话，等候警方来电。{END}"

ONE = "{ persons = 1"  # the rule of most stop orders
LAW = 'law = "反电信网络诈骗法第二十条"'
OWN = 'account = "confirmed", state = "pending", persons = 0'

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
    ('soon = "1m"', 'soon = "1"', "时长要写单位，不是 1"),
    ('soon = "1m"', 'soon = "9999d"', "时长最多 3,660 天，不是 9999d"),
    ('quiet = "22:00-07:00"', 'quiet = "22-7"', "时段写作 22:00-07:00，不是 22-7"),
    ('utc = "+08:00"', 'utc = "8"', "时差写作 +08:00，不是 8"),
    ("red = 4.0 }", "red = -8.0 }", "门槛须由蓝到红依次升高，现在是 -10, -7, -3, -8"),
    ('long = "30m"', 'long = "0s"', "call.long 须大于 0s"),
    ('door = "20m"', 'door = "0s"', "door 须大于 0s"),
    ("most = 6", "most = 2", "most 不得小于 ahead（3）"),
    ('app_loan = { group = "app"', 'app_loan = { group = "apps"', "[risk.groups] 中没有 apps"),
    ("hints = { brushing = 6.0 }", "hints = { brush = 6.0 }", "[risk.scams] 中没有：brush"),
    (", red = 4.0 }", " }", "levels 中缺少：red"),
    ("own_report =", "#", "evidence 中缺少：own_report"),
    ("low = 500_000, ", "", "money.balances 中缺少：low"),
    (BLUE, "", "levels 中缺少：blue"),
    ('follow_up = { action = "follow_up"', '#{ action = "follow_up"', "asked 中缺少：follow_up"),
    ('undelivered = ["again", "call"]', 'lost = ["again", "call"]', "没有 lost 这种结果，须是下列之一："),
    ('undelivered = ["again", "call"]', 'undelivered = ["call"]', "undelivered 须有且只有下列之一"),
    ("sms = 3, phone = 8", "sms = 30, phone = 8", "hour.sms（30）大于 day.sms（5）"),
    ('signals = "7d"', 'signals = "1d"', "signals 须在 7d 与 90d 之间"),
    ('calls = "120d"', 'calls = "1h"', "calls 不得短于 1d"),
    ("slow = 4.0", "slow = 40.0", "slow（40）大于 sudden（10）"),
    ('steady = "30m"', 'steady = "30s"', "steady 不得短于 1m"),
    ('learn = "24h"', 'learn = "90h"', "learn 与 trial 合计超过 4 天"),
    (ONE, "{ persons = 0", "没有写明法律依据"),
    (ONE, f"{{ persons = 0, {LAW}", "只限 account = confirmed、state = pending"),
    (ONE, f"{{ {OWN}, {LAW}", "须写明 confirm_within，最长 30m"),
    (ONE, f'{{ {OWN}, {LAW}, confirm_within = "31m"', "须写明 confirm_within，最长 30m"),
    (ONE, '{ account = "reported", persons = 1', "这条规则永远用不到：前面第 "),
    ("[own_account]\nenabled = false", "[own_account]\nenabled = true", "没有写明本地依据"),
    ('contact = { action = "contact_call"', 'contact = { action = "hold_outgoing"', "不能写进预案"),
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
    ("[messages.flash_sms.ko]\ndefault", "[messages.flash_sms.ko]\npolice", "ko 中缺少：default"),
    (END, f"{END}{'请' * 40}", "flash_sms.zh.default 要占 2 条短信，上限是 1 条（70 个字）"),
    ("请按1；", "请按一键；", "robot_call.zh.default 没有说明按键 1：1, 2, 9 的用途都要说明"),
)
# What makes a text no TOML, or too long, when it is appended.
BROKEN = (
    ("?", "第 1 列的 ? 不合 TOML 格式"),
    ("a = 1 b = 2", "第 7 列的 b 不合 TOML 格式"),
    ('a = "\x01"', "第 6 列的 U+0001 不合 TOML 格式"),
    ("[duty]", "duty 前面已经写过"),
    ("[risk.levels.x]", "risk.levels.x 前面已经写过"),
    ("[[risk.levels]]", "risk.levels.0 前面已经写过"),
    ("[plan.levels]\nred.x = 1", "到文末为止不合 TOML 格式"),
    ("[new]\na = 1\na = 2", "new.a 前面已经写过"),
    ("[new]\na = { b = 1, b = 2 }", "第 20 列的 } 不合 TOML 格式"),
    ("[new", "到文末为止不合 TOML 格式"),
    ("[new]\na 1", "第 3 列的 1 不合 TOML 格式"),
    ("[]", "第 2 列的 ] 不合 TOML 格式"),
    ("[new]\na = [1", "到文末为止不合 TOML 格式"),
    ('[new]\na = "b', "到文末为止不合 TOML 格式"),
    ('[new]\na = "b\nc = 1', "这一行没有写完"),
    ("[new]\na =\nc = 1", "这一行没有写完"),
    ('[new]\na = "\\ud800"', '第 12 列的 " 不合 TOML 格式'),
    ("[new]\na = 2026-02-30", "第 5 列的 2 不合 TOML 格式"),
    ("[new]\na = yes", "第 5 列的 y 不合 TOML 格式"),
    ("[new]\na = " + "[" * 1900, "数组或表嵌套太深"),
    ("#" * 2_001, "这一行超过 2,000 个字，或超过 100 个点"),
    ("# 长\n" * 100_000, "全文超过 400,000 个字"),
    ("".join(f"k{number} = 1\n" for number in range(60)), "还有 "),
)
ARMS: dict[str, object] = {"usual": {"weight": 0.5}, "short": {"weight": 0.5, "sms": WORDING}}
# What is wrong with an experiment, and its Chinese.
EXPERIMENTS: tuple[tuple[dict[str, object], str], ...] = (
    ({"starts": "2026-01-01T00:00:00+08:00"}, "starts 早于伦理审查"),
    ({"arms": {**ARMS, "usual": ARMS["short"]}}, "usual 是对照组，不得改动预案"),
    ({"arms": {**ARMS, "short": {"weight": 0.5}}}, "short 与对照组没有差别"),
    ({"arms": {**ARMS, "usual": {"weight": 0.4}}}, "weight 合计须为 1，现在是 0.9"),
    ({"minimal_effect": 0.01}, "时间太短：要发现 minimal_effect，须约"),
    ({"arms": {**ARMS, "short": {"weight": 0.5, "after": {"sms": "1h"}}}}, "yellow.sms 晚于该级别预案的 3m"),
    ({"registered_on": "soon"}, "须是日期（2026-03-01）"),
    ({"starts": "2026-03-01T00:00:00"}, "时刻须带时差"),
    ({"arms": {**ARMS, "short": {"weight": 0.5, "caller": {"sms": "operator"}}}}, "sms 不是该级别预案的自动外呼"),
    ({"arms": {**ARMS, "short": {"weight": 0.5, "sms": WORDING, "remind_after": "14d"}}}, "short 既提醒又改动预警"),
)
TWO = f"{JILIN}\n{tomlkit.dumps({'experiments': {'one': fields(), 'two': fields()}})}"
NOT_UTF8 = PolicyFault(FaultCode.NOT_UTF8, {"byte": 1})
RARE = {  # no text has it: a number that no TOML number is, and what only a new rule of pydantic's would raise
    FaultCode.UNREADABLE: PolicyFault(FaultCode.UNREADABLE, {}),
    FaultCode.INVALID: PolicyFault(FaultCode.INVALID, {"kind": "uuid_type"}),
}


def texts() -> Iterator[tuple[str, str]]:
    """Each policy that is wrong, and a part of its sentence in Chinese."""
    for old, new, words in WRONG:
        assert old in JILIN, old
        yield JILIN.replace(old, new, 1), words
    more = {text: (f"{text}{JILIN}" if words.startswith("还有") else f"{JILIN}\n{text}") for text, words in BROKEN}
    yield from ((more[text], words) for text, words in BROKEN)
    for changes, words in EXPERIMENTS:
        yield f"{JILIN}\n{tomlkit.dumps({'experiments': {'wording': fields(**changes)}})}", words
    yield TWO, "与 one 在同一级别、同一时间进行"


@cache
def every_fault() -> tuple[PolicyFault, ...]:
    """Faults of every code."""
    return (*(fault for text, _ in texts() for fault in faults_of(text)), NOT_UTF8, *RARE.values())


def chinese(fault: PolicyFault) -> str:
    return sentence(fault, lambda text: text)


@pytest.mark.parametrize(("text", "words"), list(texts()), ids=[each[-1] for each in texts()])
def test_a_fault_has_a_sentence_in_chinese(text: str, words: str) -> None:
    found = [chinese(fault) for fault in faults_of(text)]
    assert [each for each in found if words in each], found


def test_no_fault_of_these_policies_is_without_a_code_of_its_own() -> None:
    assert {fault.code for fault in every_fault()} - RARE.keys() == set(FaultCode) - RARE.keys()
    assert [fault for fault in every_fault() if fault.code in RARE and fault not in RARE.values()] == []


def test_every_code_has_a_sentence() -> None:
    assert SENTENCES.keys() == set(FaultCode)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "zh"])
def test_every_code_has_a_sentence_in_each_language(language: str) -> None:
    known = translations(language)
    assert [code for code, text in SENTENCES.items() if known.gettext(text) == text] == []


def test_a_sentence_is_filled_in_with_parameters_that_its_code_has() -> None:
    for fault in every_fault():
        wanted = set(re.findall(r"%\((\w+)\)s", SENTENCES[fault.code]))
        assert wanted <= fault.parameters.keys() | set(), fault
        assert fault.parameters.keys() - wanted <= {"key"}, "a key that is no part of the sentence is the place"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "zh"])
def test_a_fault_is_said_in_each_language_without_a_word_of_chinese(language: str) -> None:
    known = translations(language)
    for fault in every_fault():
        words = sentence(fault, known.gettext)
        assert not [sign for sign in words if "一" <= sign <= "鿿" and sign not in str(fault)], words


def test_the_command_line_says_it_in_english_with_line_key_and_value() -> None:
    with pytest.raises(PolicyError) as refused:
        load(JILIN.replace("prior = -14.0", "prior = 1.5", 1))
    number = JILIN[: JILIN.index("prior = -14.0")].count("\n") + 1
    assert in_english(refused.value).splitlines() == [
        "the policy cannot be used:",
        f"  line {number}: [risk.prior = 1.5] It must not be more than 0",
    ]


def test_a_rule_of_pydantic_s_that_is_mapped_is_one_that_pydantic_has() -> None:
    assert set(OF_PYDANTIC) <= set(get_args(ErrorType))
