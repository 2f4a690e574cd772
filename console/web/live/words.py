"""What steps, states and channels are called on a screen, in Chinese: the catalogues have the other languages."""

from schemas.cases import CaseState, Step, StepState
from schemas.levels import Action, Channel

ACTIONS = {
    Action.SMS: "短信提醒",
    Action.FLASH_SMS: "闪信提醒",
    Action.ROBOT_CALL: "机器人外呼",
    Action.OPERATOR_CALL: "人工外呼",
    Action.FOLLOW_UP: "回访",
    Action.CONTACT_SMS: "短信告知亲友",
    Action.CONTACT_CALL: "电话告知亲友",
    Action.VISIT: "上门劝阻",
    Action.STOP_PAYMENT: "紧急止付",
    Action.STOP_AGAIN: "续止付",
    Action.STOP_RELEASE: "解除止付",
}

STATES = {
    CaseState.RAISED: "已预警",
    CaseState.CONTACTING: "联系中",
    CaseState.IN_CONVERSATION: "通话中",
    CaseState.VISIT_UNDER_WAY: "上门途中",
    CaseState.DISSUADED: "已劝阻",
    CaseState.NOT_PERSUADED: "未劝服",
    CaseState.ALREADY_DEFRAUDED: "已被骗",
    CaseState.FALSE_ALARM: "误报",
    CaseState.UNREACHABLE: "联系不上",
    CaseState.CLOSED: "已结案",
}

CHANNELS = {
    Channel.SMS: "短信",
    Channel.PHONE: "电话",
    Channel.VISIT: "上门",
    Channel.PAYMENT: "止付",
}

STEP_STATES = {
    StepState.PENDING: "待执行",
    StepState.HELD: "静默中",
    StepState.SENT: "等待结果",
}

_CLOCK, _CLOSE = "clock.", "clock.close"  # steps inside the case that contact nobody (domain/casework/draft.py)


def of_step(step: Step) -> str:
    """What a step does when its time has come."""
    if step.id == _CLOSE:
        return "自动结案"
    return "止付到期" if step.id.startswith(_CLOCK) else ACTIONS[step.action]
