"""The Chinese labels of payments, stop orders, holds on a resident's own account, objections and releases."""

from domain.payments.headline import HeadlineKind
from domain.payments.reconciliation import Difference
from domain.payments.status import PaymentStatus
from domain.payments.stop_progress import DangerPart
from domain.risk.upstream import ContactReach, ContactSource
from domain.tracing.facts import SinkKind
from domain.wording.labels import RESULTS
from schemas.casework.cases import StopState
from schemas.casework.inputs import BankState
from schemas.casework.objections import ObjectionGround, ObjectionState, Objector, WrongfulCause
from schemas.casework.orders import FreezeEndKind, OrderState
from schemas.casework.own_account import AllowanceSpan, OwnHoldState
from schemas.casework.reported import PaidBy
from schemas.channels.releases import ReleaseState
from schemas.levels import EvidenceClass, LastResort, Result
from schemas.risk.fan_outs import RequestState
from schemas.risk.signals import TransferState

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
    BankState.PENDING: "已收到未办结",
    BankState.IN_FORCE: "止付生效",
    BankState.REFUSED: "银行拒绝",
    BankState.CANCELLED: "途中撤销",
    BankState.FROZEN: "银行确认冻结",
    BankState.RETURNED: "已返还",
    BankState.RELEASED: "止付已解除",
    BankState.UNFROZEN: "冻结已解除",
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
FREEZE_ENDS = {
    FreezeEndKind.BANK: "银行回告",
    FreezeEndKind.DECISION: "原批准机关决定",
    FreezeEndKind.PERIOD: "期限届满，自动解除",
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
    LastResort.TALKING: "正在通话劝阻",
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
SUSPECT_KINDS = {"account": "账户", "phone": "电话号码"}
CONTACT_SOURCES = {ContactSource.INFLOW: "向其付款", ContactSource.CALL: "接到其电话"}
REACHES = {
    ContactReach.REACHED: "已联系上",
    ContactReach.WAITING: "处置中，尚未联系上",
    ContactReach.UNREACHABLE: "未能联系上",
    ContactReach.NO_CASE: "无处置中的预警",
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
HEADLINES = {
    HeadlineKind.AT_STAKE: "尚未止付",
    HeadlineKind.NOT_STOPPED: "其余未止付",
    HeadlineKind.STOPPED: "止付生效",
    HeadlineKind.FROZEN: "已冻结",
    HeadlineKind.ESTIMATE: "涉险金额（估算）",
}
DANGER_PARTS = {
    DangerPart.CAN_ASK: "可申请止付",
    DangerPart.REFUSED: "银行拒绝",
    DangerPart.LEAVING: "即将发出",
    DangerPart.APPROVAL: "待审批",
    DangerPart.ASKED: "已申请，待银行答复",
    DangerPart.OUT_OF_REACH: "无法止付",
}
"""The parts of a case's money in danger, by what can be done about it."""
PAYMENTS = {
    PaymentStatus.RETURNED: "已返还",
    PaymentStatus.FROZEN: "已冻结",
    PaymentStatus.CANCELLED: "途中撤销",
    PaymentStatus.STOPPED: "止付生效",
    PaymentStatus.STOP_ASKED: "已申请止付",
    PaymentStatus.LOST: "已损失",
    PaymentStatus.NOT_MADE: "当事人已放弃转账",
    PaymentStatus.UNFROZEN: "冻结已解除",
    PaymentStatus.STOP_REFUSED: "银行拒绝止付",
    PaymentStatus.STOP_EXPIRED: "止付已到期",
    PaymentStatus.STOP_RELEASED: "止付已解除",
    PaymentStatus.SETTLED: "已到账",
    PaymentStatus.PENDING: "支付处理中",
    PaymentStatus.ATTEMPTED: "尝试支付",
}
RESTS = {
    "lost": "已损失",
    "unknown": "其余去向待查",
    "traced": "其余已转出，见资金去向",
    "elsewhere": "后续账户中银行已控制",
    "back": "已回到当事人",
    "cashed_out": "已取走",
    "fees": "手续费",
}
"""Of a payment of which only a part was returned, frozen or cancelled: what became of the rest. `lost`: what is booked
as lost; `unknown`: what nobody has reported about; `traced`: banks have stated where that went; the others are parts of
that (domain/casework/trail/rests.py)."""
INVENTED_BANKS = {"bank-a": "示范银行甲", "bank-b": "示范银行乙", "bank-c": "示范银行丙", "pay-a": "示范支付机构甲"}
"""Names of the institutions of the simulated province, which nobody has, by the code that names them in messages. Only
a demo's pages show them."""
CLASSES = {
    EvidenceClass.A: "银行确认止付、冻结或返还",
    EvidenceClass.B: "途中撤销",
    EvidenceClass.C: "本人指明并未付款",
    EvidenceClass.D: "估算，不计入",
}
