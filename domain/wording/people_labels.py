"""The Chinese labels of people: residents, their relations, reporters, and the officers of the roster."""

from schemas.casework.call_recordings import RecordingState
from schemas.casework.third_parties import EmergencyGround, ThirdPartyCallState, ThirdPartyKind
from schemas.codes.replies import ReplySender
from schemas.levels import WeekAnswer
from schemas.people.public_reports import AppealOutcome, RejectedAs, Reporter
from schemas.people.residents import Flag, InterpreterLanguage, Language, Occupation, ReportSource, Sex
from schemas.people.rosters import Role

REJECTED_AS = {
    RejectedAs.NOT_REACHED: "多次致电未联系上",
    RejectedAs.NOT_FRAUD: "不是诈骗",
    RejectedAs.DUPLICATE: "已举报过",
    RejectedAs.DENIED: "机主称没有举报过",
    RejectedAs.MEANINGLESS: "内容无意义",
}
REPORTERS = {Reporter.VICTIM: "本人被骗", Reporter.WITNESS: "替别人举报", Reporter.OWNER: "持有人申诉"}
APPEAL_OUTCOMES = {
    AppealOutcome.REMOVED_REASSIGNED: "移出名单：号码已换持有人",
    AppealOutcome.REMOVED_MISTAKEN: "移出名单：误列",
    AppealOutcome.REMOVED_MISUSED: "移出名单：被他人冒用",
    AppealOutcome.KEPT_CONFIRMED: "维持：有涉诈证据",
    AppealOutcome.KEPT_NOT_HOLDER: "维持：未能证明是持有人",
    AppealOutcome.KEPT_NOT_LISTED: "维持：不在名单中",
}
SOURCES = {
    ReportSource.HOTLINE: "96110 坐席",
    ReportSource.EMERGENCY: "110 接警员",
    ReportSource.BANK: "银行网点",
    ReportSource.OFFICER: "上门民警",
    ReportSource.FORCE: "外地公安机关",
    ReportSource.PUBLIC: "网上举报（已核实）",
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
    Flag.AGREES_TO_EXPERIMENTS: "同意参加对照试验",
    Flag.OBJECTS_TO_EXPERIMENTS: "不参加对照试验",
}
ROSTER_ROLES = {
    Role.OFFICER: "民警",
    Role.AUXILIARY: "辅警",
    Role.GRID_WORKER: "网格长",
    Role.BUILDING_HEAD: "楼栋长",
}
RELATIONS = {
    "spouse": "配偶",
    "son": "儿子",
    "daughter": "女儿",
    "brother": "兄弟",
    "sister": "姐妹",
    "neighbour": "邻居",
}
REPLY_SENDERS = {ReplySender.RESIDENT: "居民", ReplySender.CONTACT: "亲友联系人"}
THIRD_PARTIES = {
    ThirdPartyKind.BANK: "银行",
    ThirdPartyKind.CONTACT: "亲友联系人",
    ThirdPartyKind.OFFICER: "上门民警",
}
THIRD_PARTY_STATES = {
    ThirdPartyCallState.RINGING: "正在邀请",
    ThirdPartyCallState.JOINED: "已加入通话",
    ThirdPartyCallState.LEFT: "已退出通话",
    ThirdPartyCallState.BUSY: "占线，未加入",
    ThirdPartyCallState.NO_ANSWER: "无人应答，未加入",
    ThirdPartyCallState.REFUSED: "拒接，未加入",
    ThirdPartyCallState.FAILED: "没有拨通，未加入",
    ThirdPartyCallState.CANCELLED: "已取消邀请",
}
RECORDING_STATES = {
    RecordingState.ANNOUNCING: "正在播放录音告知",
    RecordingState.RECORDING: "录音中",
    RecordingState.PAUSED: "录音已暂停",
    RecordingState.WAITING: "录音暂停中：各方未互通",
    RecordingState.ENDED: "录音已结束",
}
EMERGENCY_GROUNDS = {
    EmergencyGround.LIFE_AT_RISK: "人身安全有危险",
    EmergencyGround.UNDER_CONTROL: "当事人受他人控制",
    EmergencyGround.MONEY_LEAVING: "正在转出资金",
}
# What a dissuaded resident answers a week later.
WEEK_ANSWERS = {
    WeekAnswer.NOTHING_PAID: "此后没有付款",
    WeekAnswer.PAID_SINCE: "称此后已付款",
    WeekAnswer.CONTACTED_AGAIN: "称骗子又来联系",
    WeekAnswer.NO_ANSWER: "没有回答",
}
