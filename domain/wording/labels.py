"""The Chinese labels of cases, contacts, evidence and the centre's work, for screens and terminals; the catalogues have
the other languages. money_labels has those of payments and orders, people_labels those of people.

Each thing has one label, used by pages, the officer's telephone and the terminal's board alike.
"""

from domain.desk.attention import Concern
from domain.desk.places import Layer
from domain.desk.questions import Suggestion
from domain.statistics.clocks import ResponsibleParty
from domain.visits.travel import COUNTY, PREFECTURE, PROVINCE, STREET
from schemas.administration.audit import ChainFaultKind
from schemas.casework.cases import CaseState, Step, StepState
from schemas.casework.events import FactKind
from schemas.casework.provinces import OfferRefusal, OfferState, ProvinceGround
from schemas.channels.operator_calls import OperatorCallResult, OperatorCallState
from schemas.levels import Action, CallResult, Channel, Level, Outcome, OutcomeGround, Result, SupportOutcome
from schemas.people.escalations import OfficerRung, RungResult
from schemas.risk.evidence import EvidenceKind, WatchStatus

LEVELS = {Level.RED: "红", Level.ORANGE: "橙", Level.YELLOW: "黄", Level.BLUE: "蓝"}
ACTIONS = {
    Action.SMS: "短信提醒",
    Action.FLASH_SMS: "闪信提醒",
    Action.ROBOT_CALL: "智能外呼",
    Action.OPERATOR_CALL: "人工外呼",
    Action.FOLLOW_UP: "回访",
    Action.SUPPORT_CALL: "受损后关怀",
    Action.WEEK_CALL: "一周后电话询问",
    Action.WEEK_SMS: "一周后短信询问",
    Action.REMINDER: "劝阻后再次提醒",
    Action.CONTACT_SMS: "短信告知亲友",
    Action.CONTACT_CALL: "电话告知亲友",
    Action.VISIT: "上门劝阻",
    Action.STOP_PAYMENT: "紧急止付",
    Action.STOP_AGAIN: "止付延期",
    Action.STOP_STATUS: "查询止付状态",
    Action.STOP_RELEASE: "解除止付",
    Action.HOLD_OUTGOING: "暂停本人账户转出",
    Action.LIFT_HOLD: "恢复本人账户转出",
    Action.HAND_OVER: "移交外省",
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
CHANNELS = {
    Channel.SMS: "短信",
    Channel.PHONE: "电话",
    Channel.VISIT: "上门",
    Channel.PAYMENT: "止付",
    Channel.PROVINCE: "外省",
}
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
    CaseState.HANDED_OVER: "已移交外省",
    CaseState.CLOSED: "已办结",
}
OUTCOMES = {
    Outcome.DISSUADED: "已劝阻",
    Outcome.NOT_PERSUADED: "劝阻未成功",
    Outcome.ALREADY_DEFRAUDED: "已被骗",
    Outcome.FALSE_ALARM: "误报",
    Outcome.UNREACHABLE: "联系不上",
}
PROVINCE_GROUNDS = {
    ProvinceGround.LIVES: "当事人户籍或常住在该省",
    ProvinceGround.IS: "当事人现在该省",
    ProvinceGround.BANKS: "当事人的开户行在该省",
}
OFFER_STATES = {
    OfferState.OFFERED: "等待对方确认",
    OfferState.ACCEPTED: "对方已接收",
    OfferState.REFUSED: "对方不接收",
    OfferState.UNANSWERED: "逾期未确认",
    OfferState.LATE: "逾期后确认：两省同时办理",
    OfferState.ENDED: "本省已结束办理",
}
OFFER_REFUSALS = {
    OfferRefusal.NOT_TAKING: "对方策略未允许接收",
    OfferRefusal.TOO_LATE: "已过期限",
    OfferRefusal.NO_TELEPHONE: "没有可用的电话号码",
    OfferRefusal.INVALID: "对方无法读取移交内容",
    OfferRefusal.CROSSING: "对方同时移交该当事人，以对方移交为准",
    OfferRefusal.TOO_MANY: "近一小时移交过多，对方暂不接收",
}
SUPPORT = {
    SupportOutcome.ACCEPTED: "接受帮助",
    SupportOutcome.NOTHING_NEW: "没有新情况",
    SupportOutcome.CONTACTED: "骗子再次联系",
    SupportOutcome.DECLINED: "不要再打关怀电话",
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
    "none": "人工外呼 0 次",
    "ringing": "正在呼叫",
    "connected": CALL_RESULTS[CallResult.ANSWERED],
    "ended": "通话结束",
    "broken_off": "通话中断",
    **{result.value: CALL_RESULTS[result] for result in (CallResult.BUSY, CallResult.NO_ANSWER)},
}
# The state of a call from the operator's own telephone, and its result.
OPERATOR_CALLS = {
    OperatorCallState.OPERATOR_RINGING.value: "座机振铃",
    OperatorCallState.RINGING.value: "呼叫居民",
    OperatorCallState.CONNECTED.value: CALL_RESULTS[CallResult.ANSWERED],
    "held": "保持中",
    OperatorCallState.ENDED.value: "已挂断",
}
OPERATOR_CALL_RESULTS = {
    OperatorCallResult.ANSWERED: "已挂断",
    OperatorCallResult.BUSY: "已挂断（占线）",
    OperatorCallResult.NO_ANSWER: "已挂断（无人接听）",
    OperatorCallResult.REFUSED: "已挂断（拒接）",
    OperatorCallResult.WRONG_NUMBER: "已挂断（空号）",
    OperatorCallResult.OUT_OF_AREA: "已挂断（不在服务区）",
    OperatorCallResult.FAILED: "没有拨通（线路故障）",
    OperatorCallResult.CANCELLED: "已挂断（未接通）",
    OperatorCallResult.OPERATOR_NO_ANSWER: "座机无人接听",
    OperatorCallResult.IN_DOUBT: "中断，结果不明",
}
# An outcome, or why there is none.
SITUATIONS = {**{outcome.value: words for outcome, words in OUTCOMES.items()}, "open": "处置中", "none": "无结论"}
RESULTS = {
    Result.SENT: "已发出",
    Result.DELIVERED: "已送达",
    Result.UNDELIVERED: "未送达",
    Result.ACKNOWLEDGED: "已按键确认",
    Result.WANTS_OPERATOR: "要求人工",
    Result.NOTHING_PAID: "此后没有付款",
    Result.PAID_SINCE: "称此后已付款",
    Result.CONTACTED_AGAIN: "称骗子又来联系",
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
STANDINGS = {
    WatchStatus.REPORTED: "群众举报",
    WatchStatus.CONFIRMED: "已确认涉诈",
    WatchStatus.LIFTED: "已撤销",
    WatchStatus.RATED: "第三方号码标记",
}
EVIDENCE = {
    EvidenceKind.CALL_OVERSEAS: "境外来电",
    EvidenceKind.CALL_GOIP: "GOIP 设备来电",
    EvidenceKind.CALL_SPOOFED: "改号来电",
    EvidenceKind.SUSPECT_CALLER: "涉诈号码通话",
    EvidenceKind.RATED_CALLER: "被标记号码来电",
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
    EvidenceKind.CALL_GOIP: "疑似 GOIP 设备号码",
    EvidenceKind.CALL_SPOOFED: "改号电话",
    EvidenceKind.SUSPECT_CALLER: "涉诈号码",
    EvidenceKind.RATED_CALLER: "被标记为诈骗的号码",
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
SCAM_ADVICE = {
    "brushing": "先返小钱、再要垫付，是刷单诈骗。所有刷单都违法，垫付的钱拿不回来。",
    "service": "客服退款、取消会员都不需要您转账或共享屏幕。请在原来的平台上自己联系客服。",
    "investment": "保证收益、导师带单、内幕消息都是诈骗。只用持牌机构的官方应用投资。",
    "loan": "放款之前要交任何费用的贷款都是诈骗。请到银行办理。",
    "credit": "征信不能人工修改或注销。请在中国人民银行征信中心查询，不要按电话里的指引转账。",
    "shopping": "离开平台私下付款，没有人担保。请在平台内付款。",
    "police": "公检法不会在电话里办案，没有“安全账户”。请挂断电话，自己拨打 110 核实。",
    "acquaintance": "转账之前，当面或用您原来存的号码打电话核实，换了号码的更要核实。",
    "gaming": "账号和装备只在官方平台交易。要交保证金、解冻费的都是诈骗。",
    "romance": "没有见过面的人带您投资或要钱，都是诈骗。裸聊会被录像勒索，不要付款，请报警。",
}
"""What to do, by type of scam: for residents."""
MEANS = {
    "call": "电话",
    "sms": "短信",
    "app": "应用或网站",
    "payment": "向可疑账户转账",
    "report": "本人报案",
    "other": "其他",
}
CLOCKS = {
    ResponsibleParty.CARRIER: "短信与外呼",
    ResponsibleParty.DESK: "坐席",
    ResponsibleParty.OFFICER: "上门",
    ResponsibleParty.BANK: "银行",
}
LAYERS = {
    Layer.OPEN: "在办",
    Layer.RED: "红色",
    Layer.WAITING: "待接手",
    Layer.OFFICERS: "在岗民警",
    Layer.MONEY: "涉险金额（估算）",
}
TOPICS = {
    Concern.UNCLAIMED: "待接手",
    Concern.OVERDUE: "当前超时",
    Concern.EXPIRING: "1 分钟内到期",
    Concern.LATE_VISIT: "上门赶不上",
    Concern.APPROVAL: "待您审批",
    Concern.SILENT: "来源中断",
    Concern.STOP: "止付将到期",
    Concern.RELEASE: "解除止付待批",
    Concern.OBJECTION: "止付异议超时",
    Concern.PROVINCE: "跨省移交未成",
    Concern.NUMBER: "联系不到本人：号码有误",
    Concern.PUBLIC_REPORT: "网上举报待核实",
    Concern.COMPLAINT: "投诉超期",
    Concern.SUBJECT_REQUEST: "个人信息请求超期",
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
    FactKind.SEARCH: "查找情况",
    FactKind.STOP: "止付情况",
    FactKind.STOP_REMINDER: "止付提醒",
    FactKind.OBJECTION: "止付异议",
    FactKind.REPLY: "短信回复",
    FactKind.OWN_ACCOUNT: "本人账户",
    FactKind.OFFERED: "提出移交",
    FactKind.OFFER_ACCEPTED: "移交已接收",
    FactKind.OFFER_REFUSED: "移交被拒",
    FactKind.OFFER_UNANSWERED: "移交逾期",
    FactKind.OFFER_LATE: "移交迟确认",
    FactKind.TAKEN_OVER: "外省移交来",
    FactKind.KEPT: "避免损失",
    FactKind.FROZEN: "银行确认冻结",
    FactKind.UNFROZEN: "冻结已解除",
    FactKind.LOST: "损失",
    FactKind.SHIELDED: "保护期",
    FactKind.UNSHIELDED: "未设保护期",
    FactKind.LOST_AGAIN_SHIELDED: "有保护期再次受损",
    FactKind.LOST_AGAIN_UNSHIELDED: "无保护期再次受损",
    FactKind.CLAIMED: "已接手",
    FactKind.UNCLAIMED: "退回",
    FactKind.NOTE: "备注",
    FactKind.REFUSED: "未执行",
    FactKind.CLOSED: "已办结",
    FactKind.FORGOTTEN: "已清除个人信息",
}
NOTES = {
    "conversation": "开始通话",
    "conversation_ended": CALLS["ended"],
    "busy": CALLS["busy"],
    "no_answer": CALLS["no_answer"],
    "code_confirmed": "核验码无误",
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
    Suggestion.CALL_AGAIN: "约定再次致电当事人",
}

_CLOCK = "clock."  # begins the ids of internal timers (domain/casework)
_RUNS_OUT = "止付到期"
_TIMERS = {
    "clock.close": "自动办结",
    "clock.no.": "止付异议复核时限",
    "clock.oh.": "本人账户暂停转出时限",
    "clock.ok.": "自动止付确认时限",
    "clock.ask.": "查询银行办理结果",
    "clock.search.": "查找期限",
    "clock.offer.": "外省确认移交期限",
    "clock.freeze.": "冻结到期",
}
TIMERS = (_RUNS_OUT, *_TIMERS.values())
"""The labels of internal timers, which `of_step` returns."""


def scam(name: str) -> str:
    """Return the Chinese label of a scam type; the name itself if it has no label, because only a province's policy
    knows the type.
    """
    return SCAMS.get(name, name)


def of_deadline(step: Step | None) -> str:
    """Return the Chinese label of a deadline: that of the step (see `of_step`), or for None, the end of a stop that is
    in force.
    """
    return _RUNS_OUT if step is None else of_step(step)


def of_step(step: Step) -> str:
    """Return the Chinese label of a step: that of its action. A step that is an internal timer gets the label of its
    purpose: closing of the case, review of an objection, end of a hold on the resident's own account, confirmation of
    an automatic order, a status request to a bank that has not answered, end of a search, another province's answer to
    an offer, end of a freeze; any other timer, the end of a stop.
    """
    if not step.id.startswith(_CLOCK):
        return ACTIONS[step.action]
    return next((label for begins, label in _TIMERS.items() if step.id.startswith(begins)), _RUNS_OUT)
