"""What the audit's acts are called, in Chinese, as in a template. The act's own name stands beside it."""

from console.web.auth.words import N_

_ACTS = {
    "look-case": N_("查看案件"),
    "look-search": N_("搜索"),
    "look-unmask": N_("查看完整信息"),
    "look-export": N_("导出案件"),
    "look-audit": N_("查询审计"),
    "look-call": N_("拨打电话"),
    "look-call-in": N_("查看来电"),
    "look-complaint": N_("查看投诉"),
    "look-release": N_("查看解除申请"),
    "look-stop": N_("查看止付"),
    "look-task": N_("查看任务"),
    "task-accepted": N_("接受任务"),
    "task-refused": N_("拒绝任务"),
    "task-on-the-way": N_("出发上门"),
    "task-arrived": N_("到达现场"),
    "task-not-at-home": N_("无人在家"),
    "task-done": N_("提交结果"),
    "task-handed-over": N_("转交任务"),
    "task-interpreter": N_("请翻译"),
    "task-check-in": N_("安全签到"),
    "task-seen": N_("知道任务已取消"),
    "task-duress": N_("求助警报"),
    "check-in-missed": N_("未按时签到"),
    "alarm-acknowledged": N_("处置警报"),
    "swap-asked": N_("申请换班"),
    "swap-accepted": N_("同意换班"),
    "swap-declined": N_("撤回或不同意换班"),
    "claim": N_("接手"),
    "unclaim": N_("退回"),
    "outcome": N_("登记结果"),
    "answers": N_("登记问答"),
    "lower": N_("降级"),
    "note": N_("记事"),
    "close": N_("结案"),
    "confirm": N_("确认属实"),
    "call-again": N_("约定回拨"),
    "send-officer": N_("派警上门"),
    "ask-stop": N_("申请止付"),
    "ask-stop-undone": N_("撤回止付申请"),
    "release-stop": N_("解除止付"),
    "release-asked": N_("申请解除"),
    "release-refused": N_("不批准"),
    "release-noted": N_("登记批准"),
    "bank-reconciliation": N_("下载对账文件"),
    "tell-contact": N_("联系亲友"),
    "victim-report": N_("登记被骗"),
    "signed-in": N_("已登录"),
    "signed-out": N_("退出"),
    "audit-verified": N_("核验审计"),
    "audit-heads": N_("导出链首"),
    "heads": N_("各链互证"),
}
_BEGINNINGS = {  # of acts that have no words of their own
    "account-": N_("账号"),
    "call-": N_("96110 来电"),
    "complaint-": N_("投诉与异议"),
    "hold-": N_("静默"),
    "incident-": N_("重大警情"),
    "policy-": N_("策略"),
    "roster-": N_("排班"),
    "token-": N_("令牌"),
    "webhook-": N_("推送接口"),
}
KNOWN = _ACTS | _BEGINNINGS


def words(act: str) -> str:
    """What an act is called, or what it is about; empty where nothing is known."""
    return _ACTS.get(act) or next((words for begin, words in _BEGINNINGS.items() if act.startswith(begin)), "")
