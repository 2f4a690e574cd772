"""What the values of a case are called, in Chinese as in a template: `_(labels.…)` has them in the page's language."""

from collections.abc import Mapping
from typing import Any

from console.web.live import words
from domain.questions import Suggestion
from schemas.cases import StepState, StopState
from schemas.events import FactKind
from schemas.evidence import EvidenceKind
from schemas.levels import EvidenceClass, Level, Outcome, Result
from schemas.residents import BalanceBand, Flag, Language, Occupation, Sex
from schemas.signals import TransferState

ACTIONS, STATES = words.ACTIONS, words.STATES  # as in the queue
LEVELS = {Level.RED: "红", Level.ORANGE: "橙", Level.YELLOW: "黄", Level.BLUE: "蓝"}
OUTCOMES = {
    Outcome.DISSUADED: "已劝阻",
    Outcome.NOT_PERSUADED: "未劝服",
    Outcome.ALREADY_DEFRAUDED: "已被骗",
    Outcome.FALSE_ALARM: "误报",
    Outcome.UNREACHABLE: "联系不上",
}
RESULTS = {
    Result.SENT: "已发出",
    Result.DELIVERED: "已送达",
    Result.UNDELIVERED: "未送达",
    Result.ACKNOWLEDGED: "已按键确认",
    Result.WANTS_OPERATOR: "要求人工",
    Result.HUNG_UP: "接听后挂断",
    Result.BUSY: "忙线",
    Result.NO_ANSWER: "无人接听",
    Result.REFUSED: "拒接",
    Result.VOICEMAIL: "语音信箱",
    Result.WRONG_NUMBER: "号码有误",
    Result.OUT_OF_AREA: "不在服务区",
    Result.IN_DOUBT: "结果不明",
    Result.FAILED: "失败",
    Result.NOT_SENT: "未发出",
}
STEP_STATES = {
    **words.STEP_STATES,
    StepState.DONE: "完成",
    StepState.FAILED: "失败",
    StepState.WITHDRAWN: "已撤回",
    StepState.SKIPPED: "已跳过",
}
STOP_STATES = {
    StopState.ASKED: "已申请止付",
    StopState.IN_FORCE: "止付生效",
    StopState.REFUSED: "银行拒绝",
    StopState.EXPIRED: "止付到期",
    StopState.RELEASED: "止付已解除",
}
TRANSFER_STATES = {
    TransferState.ATTEMPTED: "尝试支付",
    TransferState.PENDING: "支付处理中",
    TransferState.SETTLED: "已到账",
}
EVIDENCE = {
    EvidenceKind.CALL_OVERSEAS: "境外来电",
    EvidenceKind.CALL_GOIP: "GOIP 设备来电",
    EvidenceKind.CALL_SPOOFED: "改号来电",
    EvidenceKind.SUSPECT_CALLER: "涉诈号码通话",
    EvidenceKind.SCAM_SMS: "诈骗短信",
    EvidenceKind.APP_BRUSHING: "刷单类应用",
    EvidenceKind.APP_LOAN: "贷款类应用",
    EvidenceKind.APP_INVESTMENT: "投资类应用",
    EvidenceKind.APP_SHOPPING: "购物类应用",
    EvidenceKind.APP_MEETING: "屏幕共享应用",
    EvidenceKind.APP_CHAT: "聊天类应用",
    EvidenceKind.APP_OTHER: "其他涉诈应用",
    EvidenceKind.NEW_PAYEE: "首次向陌生账户付款",
    EvidenceKind.SUSPECT_PAYEE: "向涉诈账户付款",
    EvidenceKind.REPORTED_PAYEE: "向被举报账户付款",
    EvidenceKind.OWN_REPORT: "本人报案",
}
CLASSES = {
    EvidenceClass.A: "银行确认冻结或返还",
    EvidenceClass.B: "途中撤销",
    EvidenceClass.C: "本人指明并未付款",
    EvidenceClass.D: "估算，不计入",
}
SEXES = {Sex.FEMALE: "女", Sex.MALE: "男"}
OCCUPATIONS = {
    Occupation.STUDENT: "学生",
    Occupation.FINANCE_STAFF: "财务人员",
    Occupation.MIGRANT_WORKER: "务工人员",
    Occupation.SELF_EMPLOYED: "个体经营",
    Occupation.UNEMPLOYED: "无业",
    Occupation.INTELLECTUAL: "教师、医生、干部",
    Occupation.RETIRED: "退休",
    Occupation.FARMER: "农民",
    Occupation.EMPLOYEE: "职员",
}
SPOKEN = {Language.CHINESE: "汉语", Language.KOREAN: "朝鲜语"}
FLAGS = {
    Flag.VICTIM_BEFORE: "曾受骗",
    Flag.HARD_OF_HEARING: "听力不便",
    Flag.OBJECTS_TO_CALLS: "不愿接电话",
}
BALANCES = {
    BalanceBand.LOW: "不足 1 万元",
    BalanceBand.MIDDLE: "1 万至 10 万元",
    BalanceBand.HIGH: "10 万至 100 万元",
    BalanceBand.VERY_HIGH: "100 万元以上",
}
SCAMS = {
    "brushing": "刷单返利",
    "service": "冒充电商物流客服",
    "investment": "虚假投资理财",
    "loan": "虚假网络贷款",
    "credit": "虚假征信",
    "shopping": "虚假购物",
    "police": "冒充公检法",
    "acquaintance": "冒充领导熟人",
    "gaming": "网络游戏交易",
    "romance": "网络婚恋交友",
}
FACTS = {
    FactKind.OPENED: "立案",
    FactKind.REOPENED: "重新立案",
    FactKind.EVIDENCE: "新证据",
    FactKind.LEVEL_RAISED: "升级",
    FactKind.LEVEL_LOWERED: "降级",
    FactKind.STATE: "状态",
    FactKind.DISPATCHED: "发出",
    FactKind.HELD: "暂缓",
    FactKind.RELEASED: "放行",
    FactKind.PUT_OFF: "推迟",
    FactKind.DROPPED: "已取消",
    FactKind.SKIPPED: "跳过",
    FactKind.WITHDRAWN: "已撤回",
    FactKind.RESULT: "联系结果",
    FactKind.STEP_DONE: "步骤完成",
    FactKind.STEP_FAILED: "步骤失败",
    FactKind.VISIT: "上门情况",
    FactKind.STOP: "止付情况",
    FactKind.STOP_REMINDER: "止付提醒",
    FactKind.KEPT: "保住资金",
    FactKind.FROZEN: "冻结",
    FactKind.LOST: "损失",
    FactKind.CLAIMED: "接手",
    FactKind.UNCLAIMED: "退出处置",
    FactKind.NOTE: "记录",
    FactKind.REFUSED: "未执行",
    FactKind.CLOSED: "结案",
}
NOTES = {
    "conversation": "开始通话",
    "code_confirmed": "核实码无误",
    "three_way_call": "三方通话",
    "note": "备注",
    "recording": "录音",
    "interpreter": "需要翻译",
}
RELATIONS = {
    "spouse": "配偶",
    "son": "儿子",
    "daughter": "女儿",
    "brother": "兄弟",
    "sister": "姐妹",
    "neighbour": "邻居",
}
SUGGESTIONS = {
    Suggestion.DISSUADED: "登记：已劝阻",
    Suggestion.NOT_PERSUADED: "登记：未劝服",
    Suggestion.ALREADY_DEFRAUDED: "登记：已被骗",
    Suggestion.FALSE_ALARM: "登记：误报",
    Suggestion.SEND_OFFICER: "派民警上门",
    Suggestion.CALL_AGAIN: "约定再次致电",
}

_TABLES: tuple[Mapping[Any, str], ...] = (
    *(LEVELS, STATES, OUTCOMES, ACTIONS, RESULTS, STEP_STATES, STOP_STATES, TRANSFER_STATES, EVIDENCE, CLASSES),
    *(SEXES, OCCUPATIONS, SPOKEN, FLAGS, BALANCES, SCAMS, FACTS, NOTES, RELATIONS, SUGGESTIONS),
)
ALL = frozenset(text for table in _TABLES for text in table.values())


def scam(name: str) -> str:
    """What a scam type is called; one that only a province's policy knows, by its name there."""
    return SCAMS.get(name, name)
