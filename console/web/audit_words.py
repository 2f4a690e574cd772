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
