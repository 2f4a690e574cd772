"""Sentences for the faults of a policy: Chinese here, other languages in `faults.po` of the catalogues.

Called by pages and commands. `%(…)s` in a sentence are the parameters of its code.
"""

from collections.abc import Callable, Mapping, Sequence

from domain.policy import PolicyError
from domain.policy.faults import FaultCode, PolicyFault

Translate = Callable[[str], str]

SENTENCES: Mapping[FaultCode, str] = {
    FaultCode.TEXT_TOO_LONG: "全文超过 %(most)s 个字",
    FaultCode.LINE_TOO_LONG: "这一行超过 %(most)s 个字，或超过 %(dots)s 个点",
    FaultCode.NOT_UTF8: "第 %(byte)s 个字节不是 UTF-8：请存为 UTF-8",
    FaultCode.TOO_DEEP: "数组或表嵌套太深",
    FaultCode.UNEXPECTED_SIGN: "第 %(column)s 列的 %(sign)s 不合 TOML 格式：此前可能缺少引号、括号、等号、逗号或换行",
    FaultCode.LINE_UNFINISHED: "这一行没有写完：缺少值、引号或括号",
    FaultCode.TEXT_UNFINISHED: "到文末为止不合 TOML 格式：引号或括号没有闭合，或这一项写了两次",
    FaultCode.STANDS_TWICE: "%(name)s 前面已经写过",
    FaultCode.UNREADABLE: "不合 TOML 格式",
    FaultCode.MISSING: "缺少这一项",
    FaultCode.UNKNOWN_KEY: "没有这一项，请检查拼写",
    FaultCode.TOO_SMALL: "不得小于 %(least)s",
    FaultCode.NOT_MORE: "须大于 %(least)s",
    FaultCode.TOO_LARGE: "不得大于 %(most)s",
    FaultCode.NOT_FINITE: "须是有限的数",
    FaultCode.NOT_INTEGER: "须是整数",
    FaultCode.NOT_NUMBER: "须是数字",
    FaultCode.NOT_BOOLEAN: "须是 true 或 false",
    FaultCode.NOT_TEXT: "须是加引号的文字",
    FaultCode.NOT_TABLE: "须是一个表",
    FaultCode.NOT_LIST: "须是方括号括起的一列",
    FaultCode.NOT_CHOICE: "须是下列之一：%(choices)s",
    FaultCode.TOO_FEW_CHARACTERS: "至少 %(least)s 个字",
    FaultCode.TOO_MANY_CHARACTERS: "最多 %(most)s 个字",
    FaultCode.NAME_PATTERN: "名称不合规则 %(pattern)s",
    FaultCode.TOO_FEW_ITEMS: "至少 %(least)s 项",
    FaultCode.TOO_MANY_ITEMS: "最多 %(most)s 项",
    FaultCode.NOT_PRINTABLE: "只能是看得见的字符",
    FaultCode.DURATION_UNIT: "时长要写单位，不是 %(given)s：五分钟写作 5m（s 秒、m 分、h 时、d 天）",
    FaultCode.DURATION_TOO_LONG: "时长最多 %(days)s 天，不是 %(given)s",
    FaultCode.HOURS_FORMAT: "时段写作 22:00-07:00，不是 %(given)s",
    FaultCode.OFFSET_FORMAT: "时差写作 +08:00，不是 %(given)s",
    FaultCode.NOT_DATE: "须是日期（2026-03-01），时刻须带时差（2026-03-01T00:00:00+08:00）",
    FaultCode.INVALID: "值有误（%(kind)s）",
    FaultCode.LEVELS_NOT_RISING: "门槛须由蓝到红依次升高，现在是 %(given)s",
    FaultCode.NO_TIME: "%(key)s 须大于 0s",
    FaultCode.SHORTER_THAN: "%(key)s 不得短于 %(least)s",
    FaultCode.NOT_BETWEEN: "%(key)s 须在 %(least)s 与 %(most)s 之间",
    FaultCode.MOST_BELOW_AHEAD: "most 不得小于 ahead（%(least)s）：它是全部件数",
    FaultCode.UNKNOWN_GROUP: "[risk.groups] 中没有 %(name)s",
    FaultCode.UNKNOWN_SCAMS: "[risk.scams] 中没有：%(names)s",
    FaultCode.KEYS_MISSING: "%(key)s 中缺少：%(names)s",
    FaultCode.UNKNOWN_RESULT: "没有 %(name)s 这种结果，须是下列之一：%(choices)s",
    FaultCode.NOT_ONE_FATE: "%(name)s 须有且只有下列之一（used_up 不得有）：%(choices)s；现在是 %(given)s",
    FaultCode.HOUR_OVER_DAY: "hour.%(name)s（%(hour)s）大于 day.%(name)s（%(day)s）：每天的次数包含每小时的",
    FaultCode.SLOW_OVER_SUDDEN: "slow（%(slow)s）大于 sudden（%(sudden)s）：一分钟内可以比持续一段时间更多",
    FaultCode.TOO_LONG_TOGETHER: "learn 与 trial 合计超过 %(days)s 天：计数只保留这么久",
    FaultCode.AUTOMATIC_WITHOUT_LAW: "没有写明法律依据：不经人批准的止付须写明（至少 %(least)s 个字）",
    FaultCode.AUTOMATIC_TOO_WIDE: (
        "不经人批准的止付只限 account = confirmed、state = pending：已确认的涉诈账户、居民本人在途的付款"
    ),
    FaultCode.AUTOMATIC_UNCONFIRMED: "不经人批准的止付须写明 confirm_within，最长 %(most)s：此前无人确认即解除",
    FaultCode.RULE_HIDDEN: (
        "这条规则永远用不到：前面第 %(lines)s 行的规则（%(names)s）已包括它的全部止付令。请移到前面，或删去"
    ),
    FaultCode.OWN_ACCOUNT_WITHOUT_GROUND: (
        "没有写明本地依据：启用暂停本人账户转出，须在 ground 中写明（至少 %(least)s 个字）"
    ),
    FaultCode.STEP_OF_PERSONS: "%(given)s 不能写进预案：只能由人提出、由另外两人批准",
    FaultCode.STARTS_BEFORE_APPROVAL: "%(key)s 早于伦理审查、免除同意或登记的日期：须先批准、登记，后开始",
    FaultCode.CONTROL_CHANGES: "%(name)s 是对照组，不得改动预案",
    FaultCode.ARM_CHANGES_NOTHING: "%(name)s 与对照组没有差别：须写明 sms 或 after",
    FaultCode.WEIGHTS_NOT_ONE: "各组的 weight 合计须为 1，现在是 %(given)s",
    FaultCode.UNDERPOWERED: "时间太短：要发现 minimal_effect，须约 %(count)s 个单位、%(days)s 天",
    FaultCode.LATER_THAN_PLAN: "%(name)s 晚于该级别预案的 %(most)s，或预案没有这一步：试验只能提前，不得推迟或省去预警",
    FaultCode.EXPERIMENTS_OVERLAP: "与 %(name)s 在同一级别、同一时间进行：同一级别一次只能有一项",
    FaultCode.NO_AUTOMATED_CALL: "%(name)s 不是该级别预案的自动外呼，不能改由他人拨打；可改的：%(choices)s",
    FaultCode.REMINDER_AND_WARNING: "%(name)s 既提醒又改动预警：提醒在劝阻之后才编组，须单独试验",
    FaultCode.HIDDEN_CHARACTER: "含有看不见的字符：请重新输入，不要粘贴",
    FaultCode.LINK: "含有链接、网址或 @：预警不得有，居民拨打 96110",
    FaultCode.BRACES: "花括号有误：占位符写作 {tail} 和 {code}",
    FaultCode.UNKNOWN_PLACEHOLDER: "没有占位符 %(name)s：只有 {tail} 和 {code}",
    FaultCode.PLACEHOLDER_FORMAT: "占位符不得带格式：只写 {tail} 或 {code}",
    FaultCode.PLACEHOLDER_MISSING: "缺少占位符 %(name)s：没有它，居民分不清预警的真假",
    FaultCode.DIGIT_BESIDE_PLACEHOLDER: "占位符紧挨着数字，会连成一个号码：中间请加文字",
    FaultCode.OTHER_NUMBER: "含有号码 %(given)s：预警只能有 96110",
    FaultCode.HOTLINE_MISSING: "缺少 96110：请写明居民到哪里核实",
    FaultCode.TOO_MANY_SEGMENTS: "%(key)s 要占 %(taken)s 条短信，上限是 %(most)s 条（%(room)s 个字）",
    FaultCode.KEY_NOT_NAMED: "%(key)s 没有说明按键 %(name)s：%(choices)s 的用途都要说明",
    FaultCode.MORE: "还有 %(count)s 处有误",
}


def sentence(fault: PolicyFault, translate: Translate) -> str:
    """Return a fault's sentence in the language into which `translate` translates Chinese. Raises KeyError if a code
    has no sentence or a sentence's parameter is missing.
    """
    filled = {name: _shown(value) for name, value in fault.parameters.items()}
    return translate(SENTENCES[fault.code]) % filled


def in_english(error: PolicyError) -> str:
    """Return the faults of a policy in English for the terminal: a heading, then one line per fault."""
    from console.web.kit.i18n import translations

    file = f"policy {error.file}" if error.file else "the policy"
    lines = [_line(fault, translations("en").gettext) for fault in error.faults]
    return "\n".join([f"{file} cannot be used:", *lines])


def _line(fault: PolicyFault, translate: Translate) -> str:
    line = f"line {fault.line}: " if fault.line else ""
    key = f"{fault.where} = {fault.value}" if fault.value else fault.where
    return f"  {line}{f'[{key}] ' if key else ''}{sentence(fault, translate)}"


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_shown, value))
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
