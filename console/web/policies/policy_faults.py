"""What is wrong with a policy's text, in the page's language.

The readers (TOML's, pydantic's, domain/policy's) say it in English; each form here knows one of theirs, and what it is
in Chinese, which the catalogues have in the other languages. What no form knows is shown as it is.
"""

import re
from collections.abc import Callable, Sequence

from console.web.auth.words import N_

Translate = Callable[[str], str]
Form = tuple[re.Pattern[str], str]
"""Of the English words, with named groups; in Chinese, with the same names in %(…)s."""


def _form(english: str, words: str) -> Form:
    return re.compile(english, re.DOTALL), words


VALUES = (
    _form(r"Field required", N_("缺少这一项")),
    _form(r"Extra inputs are not permitted", N_("没有这一项，请检查拼写")),
    _form(r"Input should be greater than or equal to (?P<least>.+)", N_("不得小于 %(least)s")),
    _form(r"Input should be greater than (?P<least>.+)", N_("须大于 %(least)s")),
    _form(r"Input should be less than or equal to (?P<most>.+)", N_("不得大于 %(most)s")),
    _form(r"Input should be a finite number", N_("须是有限的数")),
    _form(r"Input should be a valid integer.*", N_("须是整数")),
    _form(r"Input should be a valid number.*", N_("须是数字")),
    _form(r"Input should be a valid boolean.*", N_("须是 true 或 false")),
    _form(r"Input should be a valid string", N_("须是加引号的文字")),
    _form(r"Input should be a valid dictionary.*", N_("须是一个表")),
    _form(r"Input should be a valid (?:list|tuple|frozenset)", N_("须是方括号括起的一列")),
    _form(r"Input should be (?P<choices>'.+)", N_("须是下列之一：%(choices)s")),
    _form(r"String should have at least (?P<least>\d+) characters?", N_("至少 %(least)s 个字")),
    _form(r"String should have at most (?P<most>\d+) characters?", N_("最多 %(most)s 个字")),
    _form(r"String should match pattern '(?P<pattern>.*)'", N_("名称不合规则 %(pattern)s")),
    _form(r"\w+ should have at least (?P<least>\d+) items?.*", N_("至少 %(least)s 项")),
    _form(r"\w+ should have at most (?P<most>\d+) items?.*", N_("最多 %(most)s 项")),
    _form(r"only printable characters are allowed", N_("只能是看得见的字符")),
    _form(
        r"a duration needs a unit, not (?P<given>.*)\. Write .*",
        N_("时长要写单位，不是 %(given)s：五分钟写作 5m（s 秒、m 分、h 时、d 天）"),
    ),
    _form(r"a duration is (?P<days>\d+) days at most, not (?P<given>.*)", N_("时长最多 %(days)s 天，不是 %(given)s")),
    _form(r"hours are written \"22:00-07:00\", not (?P<given>.*)", N_("时段写作 22:00-07:00，不是 %(given)s")),
    _form(r"an offset from UTC is written \"\+08:00\", not (?P<given>.*)", N_("时差写作 +08:00，不是 %(given)s")),
)

RULES = (
    _form(r"levels must rise from blue to red: (?P<given>.*)", N_("门槛须由蓝到红依次升高，现在是 %(given)s")),
    _form(r"call\.long and every half_life must be longer than 0s", N_("call.long 和每个 half_life 都须大于 0s")),
    _form(r"(?P<key>[\w.]+) must be longer than \"0s\"", N_("%(key)s 须大于 0s")),
    _form(r"most is all that an officer may have open: .*", N_("most 不得小于 ahead：它是全部件数")),
    _form(
        r"evidence\.(?P<key>\S+): group '(?P<name>.*)' is not in \[risk\.groups\]",
        N_("evidence.%(key)s：[risk.groups] 中没有 %(name)s"),
    ),
    _form(r"scam types not in \[risk\.scams\]: (?P<names>.*)", N_("[risk.scams] 中没有：%(names)s")),
    _form(r"(?P<key>levels|evidence|money\.balances): add (?P<names>.*)", N_("%(key)s 中缺少：%(names)s")),
    _form(r"levels without a plan: (?P<names>.*)\. Write .*", N_("[plan.levels] 中缺少：%(names)s")),
    _form(r"no step to take when asked for: (?P<names>.*)\. Write .*", N_("[plan.asked] 中缺少：%(names)s")),
    _form(
        r"'(?P<name>.*)' is no result\. Write one of: (?P<choices>.*)",
        N_("没有 %(name)s 这种结果，须是下列之一：%(choices)s"),
    ),
    _form(
        r"'(?P<name>.*)' needs one of (?P<choices>.*) \(used_up none\), not (?P<given>.*)",
        N_("%(name)s 须有且只有下列之一（used_up 不得有）：%(choices)s；现在是 %(given)s"),
    ),
    _form(
        r"hour\.(?P<key>\w+) = (?P<hour>\d+) is more than day\.\w+ = (?P<day>\d+): .*",
        N_("hour.%(key)s（%(hour)s）大于 day.%(key)s（%(day)s）：每天的次数包含每小时的"),
    ),
    _form(
        r"slow = (?P<slow>\S+) is more than sudden = (?P<sudden>\S+): .*",
        N_("slow（%(slow)s）大于 sudden（%(sudden)s）：一分钟内可以比持续一段时间更多"),
    ),
    _form(
        r"(?P<key>learn|steady|trial) is less than a minute: .*", N_("%(key)s 不足一分钟：预警按分钟计数，例如写作 30m")
    ),
    _form(
        r"learn and trial are over (?P<days>\d+) days together: .*",
        N_("learn 与 trial 合计超过 %(days)s 天：计数只保留这么久"),
    ),
)

WORDS = (
    _form(r"a character that cannot be seen: .*", N_("含有看不见的字符：请重新输入，不要粘贴")),
    _form(
        r"(?:a link|an @|a domain.*): a warning has no link\..*", N_("含有链接、网址或 @：预警不得有，居民拨打 96110")
    ),
    _form(r".*: write placeholders as \{tail\} and \{code\}", N_("花括号有误：占位符写作 {tail} 和 {code}")),
    _form(r"placeholder \{(?P<name>.*)\} is not known: .*", N_("没有占位符 %(name)s：只有 {tail} 和 {code}")),
    _form(r"a placeholder with a format: .*", N_("占位符不得带格式：只写 {tail} 或 {code}")),
    _form(r"\{(?P<name>\w+)\} is missing: .*", N_("缺少占位符 %(name)s：没有它，居民分不清预警的真假")),
    _form(r"a digit beside a placeholder: .*", N_("占位符紧挨着数字，会连成一个号码：中间请加文字")),
    _form(r"the number (?P<number>.*): no number but .*", N_("含有号码 %(number)s：预警只能有 96110")),
    _form(r"96110 is missing: .*", N_("缺少 96110：请写明居民到哪里核实")),
    _form(r"(?P<key>\w+)\.default is missing\. .*", N_("缺少 %(key)s.default")),
    _form(
        r"(?P<key>\S+) takes (?P<taken>\d+) segments, not (?P<most>\d+): (?P<room>\d+) characters fit",
        N_("%(key)s 要占 %(taken)s 条短信，上限是 %(most)s 条（%(room)s 个字）"),
    ),
    _form(
        r"(?P<key>\S+) does not name key (?P<digit>\d+): say what (?P<digits>.*) are for",
        N_("%(key)s 没有说明按键 %(digit)s：%(digits)s 的用途都要说明"),
    ),
)

TEXT = (
    _form(r"longer than (?P<most>[\d,]+) characters", N_("全文超过 %(most)s 个字")),
    _form(
        r"line \d+: over (?P<most>[\d,]+) characters, or over (?P<dots>\d+) points in it",
        N_("这一行超过 %(most)s 个字，或超过 %(dots)s 个点"),
    ),
    _form(r"not TOML as a policy has it: .*", N_("数组或表嵌套太深")),
    _form(r"not TOML: (?P<toml>.*) \(at line \d+, column (?P<n>\d+)\)", N_("不合 TOML 格式：%(toml)s（第 %(n)s 列）")),
    _form(r"not TOML: (?P<toml>.*) \(at end of document\)", N_("不合 TOML 格式：%(toml)s（到文末为止）")),
)

TOML = (
    _form(r"Invalid statement", N_("看不懂这一行")),
    _form(r"Expected newline or end of document after a statement", N_("此处应当换行")),
    _form(r"(?:Found invalid|Illegal) character (?P<given>.*)", N_("不允许的字符 %(given)s")),
    _form(r"Cannot declare (?P<table>.*) twice", N_("表 %(table)s 写了两次")),
    _form(r"Cannot (?:mutate immutable|redefine) namespace (?P<table>.*)", N_("%(table)s 前面已经写完整，不能再加")),
    _form(r"Cannot overwrite a value", N_("这一项写了两次")),
    _form(r"Duplicate inline table key '(?P<name>.*)'", N_("花括号内 %(name)s 写了两次")),
    _form(r"Expected '\]+' at the end of an? \w+ declaration", N_("表名后缺少方括号")),
    _form(r"Expected '=' after a key in a key/value pair", N_("名称后缺少等号")),
    _form(r"Invalid initial character for a key part", N_("此处应当是名称")),
    _form(r"Unclosed array", N_("方括号没有闭合，或缺少逗号")),
    _form(r"Unclosed inline table", N_("花括号没有闭合，或缺少逗号")),
    _form(r"Unterminated string|Expected \"'+\"", N_("引号没有闭合")),
    _form(r"Unescaped '\\' in a string", N_("文字中的反斜杠须写两次")),
    _form(r"Invalid hex value|Escaped character is not a Unicode scalar value", N_("反斜杠后的字符编号有误")),
    _form(r"Invalid date or datetime", N_("没有这个日期或时间")),
    _form(r"Invalid value", N_("值有误：文字要加引号")),
)

FORMS = VALUES + RULES + WORDS + TEXT


def told(words: str, translate: Translate) -> str:
    """A fault's words in the page's language; empty where no form knows them."""
    return _told(FORMS, words, translate)


def _told(forms: Sequence[Form], words: str, translate: Translate) -> str:
    for english, chinese in forms:
        if found := english.fullmatch(words):
            return translate(chinese) % {name: _part(name, part, translate) for name, part in found.groupdict().items()}
    return ""


def _part(name: str, text: str, translate: Translate) -> str:
    if name == "toml":
        return _told(TOML, text, translate) or text
    if name == "table":  # as Python writes a tuple
        return ".".join(re.findall(r"'([^']*)'", text))
    return text.replace("' or '", "', '") if name == "choices" else text
