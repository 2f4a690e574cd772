"""The Chinese labels for screens and terminals; the catalogues have the other languages.

Each thing has one label, used by pages, the officer's telephone and the terminal's board alike.
"""

from collections.abc import Mapping
from typing import Any

from domain.desk.attention import Concern
from domain.desk.places import Layer
from domain.desk.questions import Suggestion
from domain.payments.reconciliation import Difference
from domain.payments.status import PaymentStatus
from domain.statistics.clocks import Whose
from domain.tracing.facts import SinkKind
from domain.visits.travel import COUNTY, PREFECTURE, PROVINCE, STREET
from schemas.administration.audit import ChainFaultKind
from schemas.casework.cases import CaseState, Step, StepState, StopState
from schemas.casework.events import FactKind
from schemas.casework.inputs import BankState
from schemas.casework.objections import ObjectionGround, ObjectionState, Objector, WrongfulCause
from schemas.casework.orders import OrderState
from schemas.casework.own_account import AllowanceSpan, OwnHoldState
from schemas.casework.reported import PaidBy
from schemas.channels.releases import ReleaseState
from schemas.levels import Action, CallResult, Channel, EvidenceClass, LastResort, Level, Outcome, OutcomeGround, Result
from schemas.people.escalations import OfficerRung, RungResult
from schemas.people.public_reports import RejectedAs, Reporter
from schemas.people.residents import Flag, InterpreterLanguage, Language, Occupation, ReportSource, Sex
from schemas.people.rosters import Role
from schemas.risk.evidence import EvidenceKind, WatchStatus
from schemas.risk.fan_outs import RequestState
from schemas.risk.signals import TransferState

LEVELS = {Level.RED: "红", Level.ORANGE: "橙", Level.YELLOW: "黄", Level.BLUE: "蓝"}
ACTIONS = {
    Action.SMS: "短信提醒",
    Action.FLASH_SMS: "闪信提醒",
    Action.ROBOT_CALL: "智能外呼",
    Action.OPERATOR_CALL: "人工外呼",
    Action.FOLLOW_UP: "回访",
    Action.CONTACT_SMS: "短信告知亲友",
    Action.CONTACT_CALL: "电话告知亲友",
    Action.VISIT: "上门劝阻",
    Action.STOP_PAYMENT: "紧急止付",
    Action.STOP_AGAIN: "止付延期",
    Action.STOP_RELEASE: "解除止付",
    Action.HOLD_OUTGOING: "暂停本人账户转出",
    Action.LIFT_HOLD: "恢复本人账户转出",
}
RUNGS = {
    OfficerRung.PUSH: "推送",
    OfficerRung.SMS: "短信",
    OfficerRung.CALL: "电话",
    OfficerRung.NEXT_OFFICER: "改派他人",
    OfficerRung.WATCH_ROOM: "报告值班室",
}
RUNG_RESULTS = {
    RungResult.SENT: "已送出",
    RungResult.FAILED: "未送出",
    RungResult.UNKNOWN: "未得到答复",
    RungResult.ABSENT: "没有可用的手机或号码",
}
CHAIN_FAULTS = {
    ChainFaultKind.CHANGED: "记录被改动，或由没有密钥的人插入",
    ChainFaultKind.UNCHAINED: "记录不在任何链中",
    ChainFaultKind.MISSING: "缺少记录",
    ChainFaultKind.ELSEWHERE: "记录的位置与写入时不符",
    ChainFaultKind.REPEATED: "记录重复，但不是写入方的重发",
    ChainFaultKind.FORKED: "记录没有接在前一条之后",
    ChainFaultKind.FOREIGN: "链首不是用本系统的密钥生成的",
}
CHANNELS = {Channel.SMS: "短信", Channel.PHONE: "电话", Channel.VISIT: "上门", Channel.PAYMENT: "止付"}
STATES = {
    CaseState.RAISED: "已预警",
    CaseState.CONTACTING: "联系中",
    CaseState.IN_CONVERSATION: "通话中",
    CaseState.VISIT_UNDER_WAY: "上门途中",
    CaseState.DISSUADED: "已劝阻",
    CaseState.NOT_PERSUADED: "劝阻未成功",
    CaseState.ALREADY_DEFRAUDED: "已被骗",
    CaseState.FALSE_ALARM: "误报",
    CaseState.UNREACHABLE: "联系不上",
    CaseState.CLOSED: "已办结",
}
OUTCOMES = {
    Outcome.DISSUADED: "已劝阻",
    Outcome.NOT_PERSUADED: "劝阻未成功",
    Outcome.ALREADY_DEFRAUDED: "已被骗",
    Outcome.FALSE_ALARM: "误报",
    Outcome.UNREACHABLE: "联系不上",
}
# What "dissuaded" rests on.
GROUNDS = {
    OutcomeGround.CALL: "与当事人通话",
    OutcomeGround.VISIT: "与当事人见面",
    OutcomeGround.KEY: "智能外呼中按键确认",
    OutcomeGround.CALLED_BACK: "当事人回电",
    OutcomeGround.RELATIVE: "家属在场证实",
    OutcomeGround.BANK: "银行证实",
    OutcomeGround.COUNTER: "当事人到窗口",
    OutcomeGround.OTHER: "其他依据（写在说明里）",
}
CALL_RESULTS = {
    CallResult.ANSWERED: "通话中",
    CallResult.BUSY: "占线",
    CallResult.NO_ANSWER: "无人接听",
}
# The state of the desk's call.
CALLS = {
    "none": "未呼叫",
    "ringing": "正在呼叫",
    "connected": CALL_RESULTS[CallResult.ANSWERED],
    "ended": "通话结束",
    **{result.value: CALL_RESULTS[result] for result in (CallResult.BUSY, CallResult.NO_ANSWER)},
}
# An outcome, or why there is none.
SITUATIONS = {**{outcome.value: words for outcome, words in OUTCOMES.items()}, "open": "处置中", "none": "无结论"}
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
    StepState.PENDING: "待执行",
    StepState.HELD: "暂停外呼中",
    StepState.PROPOSED: "待审批",
    StepState.SENT: "等待结果",
    StepState.DONE: "完成",
    StepState.FAILED: "失败",
    StepState.WITHDRAWN: "已撤回",
    StepState.SKIPPED: "已跳过",
}
STOP_STATES = {
    StopState.ASKED: "已申请止付",
    StopState.IN_FORCE: "止付生效",
    StopState.REFUSED: "银行拒绝",
    StopState.EXPIRED: "止付已到期",
    StopState.RELEASED: "止付已解除",
    StopState.RETURNED: "资金已返还",
    StopState.FROZEN: "已移送冻结",
}
BANK_STATES = {
    BankState.IN_FORCE: "止付生效",
    BankState.REFUSED: "银行拒绝",
    BankState.CANCELLED: "途中撤销",
    BankState.FROZEN: "已冻结",
    BankState.RETURNED: "已返还",
    BankState.RELEASED: "止付已解除",
}
# The outcomes of a request to a bank.
ASKED = {**RESULTS, Result.SENT: "银行已收到", Result.IN_DOUBT: "是否送达不明"}
ORDER_STATES = {
    OrderState.PROPOSED: "待审批",
    OrderState.APPROVED: "已批准",
    OrderState.DECLINED: "未批准",
    OrderState.WITHDRAWN: "已撤回",
    OrderState.UNDECIDED: "无人审批，已失效",
    OrderState.LAPSED: "未确认，已解除",
    OrderState.HANDED_OVER: "已移送冻结",
    OrderState.OVERTURNED: "异议成立，已撤销",
}
OWN_HOLD_STATES = {
    OwnHoldState.PROPOSED: "待审批",
    OwnHoldState.ASKED: "已批准，待银行确认",
    OwnHoldState.IN_FORCE: "暂停转出中",
    OwnHoldState.LIFTING: "正在恢复转出",
    OwnHoldState.LIFTED: "已恢复转出",
    OwnHoldState.ENDED: "时间已到",
    OwnHoldState.DECLINED: "未批准",
    OwnHoldState.UNDECIDED: "无人审批，已失效",
    OwnHoldState.WITHDRAWN: "已撤回",
    OwnHoldState.REFUSED: "银行拒绝",
    OwnHoldState.UNCONFIRMED: "银行未答复",
    OwnHoldState.FAILED: "未能发出",
}
LAST_RESORTS = {
    LastResort.NOT_DISSUADED: "已通话或见面，未劝住",
    LastResort.DURESS: "受人胁迫",
}
ALLOWANCE_SPANS = {AllowanceSpan.DAY: "每日", AllowanceSpan.WEEK: "每周"}
OBJECTION_STATES = {
    ObjectionState.WAITING: "待复核",
    ObjectionState.UPHELD: "异议成立",
    ObjectionState.REJECTED: "异议不成立",
}
OBJECTORS = {
    Objector.HOLDER: "账户持有人",
    Objector.REPRESENTATIVE: "代理人",
    Objector.PAYER: "付款人",
    Objector.OTHER: "其他人",
}
OBJECTION_GROUNDS = {
    ObjectionGround.LAWFUL_PAYMENT: "是正当付款",
    ObjectionGround.WRONG_ACCOUNT: "不是涉案账户",
    ObjectionGround.FALSE_REPORT: "举报不实",
    ObjectionGround.OTHER: "其他理由",
}
CAUSES = {
    WrongfulCause.FALSE_REPORT: "举报不实",
    WrongfulCause.MISTAKEN_REPORT: "举报有误，并非故意",
    WrongfulCause.WRONG_ACCOUNT: "止错账户",
    WrongfulCause.LAWFUL_PAYMENT: "是正当付款",
    WrongfulCause.OTHER: "其他原因",
}
RELEASE_STATES = {ReleaseState.ASKED: "待审批", ReleaseState.APPROVED: "已批准", ReleaseState.REFUSED: "未批准"}
PAYERS_STATES = {
    RequestState.ASKED: "待决定",
    RequestState.ALERTED: "已提醒",
    RequestState.REFUSED: "不提醒",
    RequestState.OVERTAKEN: "名单已变更",
}
STANDINGS = {WatchStatus.REPORTED: "群众举报", WatchStatus.CONFIRMED: "已确认涉诈", WatchStatus.LIFTED: "已撤销"}
REJECTED_AS = {
    RejectedAs.NOT_REACHED: "多次致电未联系上",
    RejectedAs.NOT_FRAUD: "不是诈骗",
    RejectedAs.DUPLICATE: "已举报过",
    RejectedAs.DENIED: "机主称没有举报过",
    RejectedAs.MEANINGLESS: "内容无意义",
}
REPORTERS = {Reporter.VICTIM: "本人被骗", Reporter.WITNESS: "替别人举报"}
SOURCES = {
    ReportSource.HOTLINE: "96110 坐席",
    ReportSource.EMERGENCY: "110 接警员",
    ReportSource.BANK: "银行网点",
    ReportSource.OFFICER: "上门民警",
    ReportSource.FORCE: "外地公安机关",
    ReportSource.PUBLIC: "网上举报（已核实）",
}
PAID_BY = {
    PaidBy.BANK_TRANSFER: "银行转账",
    PaidBy.THIRD_PARTY: "第三方支付",
    PaidBy.POS: "POS 刷卡",
    PaidBy.CASH: "现金",
}
SINKS = {
    SinkKind.CASH: "取现",
    SinkKind.POS: "POS 消费",
    SinkKind.WALLET: "转入支付账户或钱包",
    SinkKind.CRYPTO: "换成虚拟货币",
    SinkKind.FEE: "银行手续费",
}
DIFFERENCES = {
    Difference.NO_ANSWER: "已申请，银行未答复",
    Difference.NOT_ASKED: "银行有答复，我方未申请",
    Difference.AMOUNT: "金额不一致",
}
TRANSFER_STATES = {
    TransferState.ATTEMPTED: "尝试支付",
    TransferState.PENDING: "支付处理中",
    TransferState.SETTLED: "已到账",
}
PAYMENTS = {
    PaymentStatus.RETURNED: "已返还",
    PaymentStatus.FROZEN: "已冻结",
    PaymentStatus.CANCELLED: "途中撤销",
    PaymentStatus.STOPPED: "止付生效",
    PaymentStatus.STOP_ASKED: "已申请止付",
    PaymentStatus.LOST: "已损失",
    PaymentStatus.NOT_MADE: "当事人已放弃转账",
    PaymentStatus.STOP_REFUSED: "银行拒绝止付",
    PaymentStatus.STOP_EXPIRED: "止付已到期",
    PaymentStatus.STOP_RELEASED: "止付已解除",
    PaymentStatus.SETTLED: "已到账",
    PaymentStatus.PENDING: "支付处理中",
    PaymentStatus.ATTEMPTED: "尝试支付",
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
# The other party of a call or a payment, and the kind of an app, as a reason names them.
PARTIES = {
    EvidenceKind.CALL_OVERSEAS: "境外号码",
    EvidenceKind.CALL_GOIP: "疑似GOIP设备号码",
    EvidenceKind.CALL_SPOOFED: "改号电话",
    EvidenceKind.SUSPECT_CALLER: "涉诈号码",
    EvidenceKind.NEW_PAYEE: "陌生账户",
    EvidenceKind.SUSPECT_PAYEE: "涉诈账户",
    EvidenceKind.REPORTED_PAYEE: "被举报账户",
    EvidenceKind.APP_BRUSHING: "刷单类",
    EvidenceKind.APP_LOAN: "贷款类",
    EvidenceKind.APP_INVESTMENT: "投资类",
    EvidenceKind.APP_SHOPPING: "购物类",
    EvidenceKind.APP_MEETING: "屏幕共享类",
    EvidenceKind.APP_CHAT: "聊天类",
    EvidenceKind.APP_OTHER: "其他",
    EvidenceKind.SCAM_SMS: "诈骗短信",
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
INTERPRETERS = {
    InterpreterLanguage.KOREAN: SPOKEN[Language.KOREAN],
    InterpreterLanguage.CHINESE: SPOKEN[Language.CHINESE],
    InterpreterLanguage.SIGN: "手语",
}
AGES = {
    "under_18": "18 岁以下",
    "18_29": "18–29 岁",
    "30_44": "30–44 岁",
    "45_59": "45–59 岁",
    "60_over": "60 岁及以上",
}
FLAGS = {
    Flag.VICTIM_BEFORE: "曾受骗",
    Flag.HARD_OF_HEARING: "听力不便",
    Flag.OBJECTS_TO_CALLS: "不愿接电话",
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
MEANS = {
    "call": "电话",
    "sms": "短信",
    "app": "应用或网站",
    "payment": "向可疑账户转账",
    "report": "本人报案",
    "other": "其他",
}
ROSTER_ROLES = {
    Role.OFFICER: "民警",
    Role.AUXILIARY: "辅警",
    Role.GRID_WORKER: "网格长",
    Role.BUILDING_HEAD: "楼栋长",
}
CLOCKS = {Whose.CARRIER: "短信与外呼", Whose.DESK: "坐席", Whose.OFFICER: "上门", Whose.BANK: "银行"}
LAYERS = {
    Layer.OPEN: "在办",
    Layer.RED: "红色",
    Layer.WAITING: "等待接手",
    Layer.OFFICERS: "在岗民警",
    Layer.MONEY: "涉险金额（估算）",
}
TOPICS = {
    Concern.UNCLAIMED: "无人接手",
    Concern.OVERDUE: "当前超时",
    Concern.SILENT: "来源中断",
    Concern.STOP: "止付将到期",
    Concern.RELEASE: "解除止付待批",
    Concern.OBJECTION: "止付异议超时",
    Concern.PUBLIC_REPORT: "网上举报待核实",
    Concern.COMPLAINT: "投诉超期",
}
NEAR = {STREET: "同一街道", COUNTY: "同一区县", PREFECTURE: "同一市州", PROVINCE: "其他市州"}
FACTS = {
    FactKind.OPENED: "预警生成",
    FactKind.REOPENED: "重新生成预警",
    FactKind.EVIDENCE: "新证据",
    FactKind.LEVEL_RAISED: "已升级",
    FactKind.LEVEL_LOWERED: "已降级",
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
    FactKind.OBJECTION: "止付异议",
    FactKind.OWN_ACCOUNT: "本人账户",
    FactKind.KEPT: "避免损失",
    FactKind.FROZEN: "冻结",
    FactKind.LOST: "损失",
    FactKind.CLAIMED: "已接手",
    FactKind.UNCLAIMED: "退回",
    FactKind.NOTE: "记事",
    FactKind.REFUSED: "未执行",
    FactKind.CLOSED: "已办结",
    FactKind.FORGOTTEN: "已清除个人信息",
}
RELATIONS = {
    "spouse": "配偶",
    "son": "儿子",
    "daughter": "女儿",
    "brother": "兄弟",
    "sister": "姐妹",
    "neighbour": "邻居",
}
NOTES = {
    "conversation": "开始通话",
    "conversation_ended": CALLS["ended"],
    "busy": CALLS["busy"],
    "no_answer": CALLS["no_answer"],
    "code_confirmed": "核实码无误",
    "three_way_call": "三方通话",
    "note": "备注",
    "recording": "录音",
    "interpreter": "需要翻译",
}
# 四查看 三询问 一保护: what an officer looks at, asks and does at the door (schemas/casework/inputs, Checklist).
LOOKS = {"calls_and_sms": "通话和短信", "chats": "聊天记录", "scam_apps": "涉诈 App", "large_transfers": "频繁大额转账"}
ASKS = {"reason_asked": "转账原因", "payee_known_asked": "是否认识收款人", "told_by_whom_asked": "谁让转的"}
PROTECTS = {"account_protected": "已保护账户"}
CHECKS = LOOKS | ASKS | PROTECTS
SUGGESTIONS = {
    Suggestion.DISSUADED: "登记：已劝阻",
    Suggestion.NOT_PERSUADED: "登记：劝阻未成功",
    Suggestion.ALREADY_DEFRAUDED: "登记：已被骗",
    Suggestion.FALSE_ALARM: "登记：误报",
    Suggestion.SEND_OFFICER: "派民警上门",
    Suggestion.CALL_AGAIN: "约定再次致电",
}

_TABLES: tuple[Mapping[Any, str], ...] = (
    *(LEVELS, ACTIONS, CHANNELS, STATES, OUTCOMES, SITUATIONS, RESULTS, STEP_STATES, STOP_STATES, BANK_STATES, ASKED),
    *(RELEASE_STATES, DIFFERENCES, TRANSFER_STATES, EVIDENCE, CLASSES, SEXES, OCCUPATIONS, SPOKEN, AGES, FLAGS),
    *(CHAIN_FAULTS, ORDER_STATES, PAYERS_STATES, STANDINGS, GROUNDS, CALLS, PAYMENTS, LAYERS, TOPICS),
    *(RUNGS, RUNG_RESULTS),
    *(
        SCAMS,
        MEANS,
        ROSTER_ROLES,
        CLOCKS,
        NEAR,
        FACTS,
        NOTES,
        INTERPRETERS,
        CHECKS,
        RELATIONS,
        PARTIES,
        SUGGESTIONS,
        SOURCES,
        REJECTED_AS,
        REPORTERS,
        PAID_BY,
        SINKS,
        OWN_HOLD_STATES,
        LAST_RESORTS,
        ALLOWANCE_SPANS,
        OBJECTION_STATES,
        OBJECTORS,
        OBJECTION_GROUNDS,
        CAUSES,
    ),
)
_CLOCK, _CLOSE, _REVIEW, _HOLD = "clock.", "clock.close", "clock.no.", "clock.oh."  # internal timers (domain/casework)
_CLOSES, _RUNS_OUT, _UNDECIDED, _HOLD_ENDS = "自动办结", "止付到期", "止付异议复核时限", "本人账户暂停转出时限"
ALL = frozenset((_CLOSES, _RUNS_OUT, _UNDECIDED, _HOLD_ENDS, *(text for table in _TABLES for text in table.values())))


def scam(name: str) -> str:
    """Return the Chinese label of a scam type, or its name if only a province's policy knows it."""
    return SCAMS.get(name, name)


def of_step(step: Step) -> str:
    """Return the Chinese label of a step's action, or of an internal timer: the case's closing, the review of an
    objection, the clock of a hold on the resident's own account, or a stop's end.
    """
    if step.id == _CLOSE:
        return _CLOSES
    if step.id.startswith(_REVIEW):
        return _UNDECIDED
    if step.id.startswith(_HOLD):
        return _HOLD_ENDS
    return _RUNS_OUT if step.id.startswith(_CLOCK) else ACTIONS[step.action]
