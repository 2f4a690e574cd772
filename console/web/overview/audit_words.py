"""Chinese names of the acts in the audit, in the groups of the filter's menu. The template translates them."""

from dataclasses import dataclass

from console.web.auth.words import N_

ALL = "all:"  # begins the menu's value for all acts of a group
CHECKS = "audit-"  # begins the acts of the system's own checks


@dataclass(frozen=True, slots=True)
class ActGroup:
    """A group of acts in the menu. `words`: its Chinese name; `acts`: the Chinese name of each act."""

    words: str
    acts: dict[str, str]


GROUPS = {
    "look": ActGroup(
        N_("查看记录"),
        {
            "look-case": N_("查看预警"),
            "look-evidence": N_("查看证据材料"),
            "look-recording": N_("收听通话录音"),
            "record-call": N_("开始通话录音"),
            "look-search": N_("搜索"),
            "look-unmask": N_("查看居民完整信息"),
            "look-call": N_("拨打电话"),
            "reveal-confirmed": N_("复核查看：确认"),
            "reveal-questioned": N_("复核查看：提出疑问"),
            "look-call-in": N_("查看来电"),
            "look-public-report": N_("查看网上举报"),
            "look-task": N_("查看任务"),
            "look-missing": N_("查看查找当事人的记录"),
            "look-stop": N_("查看止付"),
            "look-order": N_("查看止付令"),
            "look-order-print": N_("打印止付令"),
            "look-own-account": N_("查看本人账户暂停转出令"),
            "look-own-account-print": N_("打印本人账户暂停转出令"),
            "look-release": N_("查看解除申请"),
            "look-payers": N_("查看批量提醒"),
            "look-suspect": N_("查看可能受害人名单"),
            "look-complaint": N_("查看投诉"),
            "look-subject-request": N_("查看个人信息请求"),
            "look-processing": N_("查看处理活动记录"),
            "look-audit": N_("查询审计"),
            "look-export": N_("导出预警"),
            "look-held": N_("导出居民信息"),
        },
    ),
    "case": ActGroup(
        N_("预警处置"),
        {
            "claim": N_("接手"),
            "unclaim": N_("退回"),
            "assign": N_("指派"),
            "answers": N_("登记问答"),
            "outcome": N_("登记结果"),
            "note": N_("备注"),
            "confirm": N_("确认属实"),
            "lower": N_("降级"),
            "close": N_("预警办结"),
            "support": N_("登记受损后关怀"),
            "week_answer": N_("登记一周后询问的回答"),
            "call-again": N_("约定回拨"),
            "send-officer": N_("派警上门"),
            "tell-contact": N_("联系亲友"),
            "victim-report": N_("登记被骗"),
            "payment-report": N_("登记被骗与付款"),
            "evidence-report": N_("添加证据材料"),
            "public-report-taken": N_("开始核实网上举报"),
            "public-report-checked": N_("网上举报已核实"),
            "public-report-rejected": N_("不采纳网上举报"),
            "appeal-decided": N_("决定名单申诉"),
            "code-wrong": N_("核验码不符"),
            "flag-objects-to-calls": N_("登记不愿接电话"),
            "forget": N_("清除个人信息"),
        },
    ),
    "money": ActGroup(
        N_("止付与批量提醒"),
        {
            "ask-stop": N_("申请止付"),
            "ask-stop-undone": N_("撤回止付申请"),
            "approve-stop": N_("批准止付令"),
            "decline-stop": N_("不批准止付令"),
            "hand-over-stop": N_("登记移送冻结"),
            "end-freeze": N_("登记解除冻结"),
            "propose-hold": N_("申请暂停本人账户转出"),
            "approve-hold": N_("批准暂停本人账户转出"),
            "decline-hold": N_("不批准暂停本人账户转出"),
            "delay-outgoing": N_("请银行延缓本人账户转出"),
            "end-delay": N_("结束延缓本人账户转出"),
            "lift-hold": N_("提前恢复本人账户转出"),
            "release-stop": N_("解除止付"),
            "release-asked": N_("申请解除"),
            "release-refused": N_("不批准"),
            "release-noted": N_("登记批准"),
            "bank-reconciliation": N_("下载对账文件"),
            "payers-alerted": N_("提醒全部付款人"),
            "payers-refused": N_("不提醒付款人"),
        },
    ),
    "visit": ActGroup(
        N_("上门劝阻"),
        {
            "task-accepted": N_("接受任务"),
            "task-refused": N_("拒绝任务"),
            "task-on-the-way": N_("出发上门"),
            "task-arrived": N_("到达现场"),
            "task-not-at-home": N_("无人在家"),
            "task-done": N_("提交结果"),
            "task-handed-over": N_("转交任务"),
            "send-instead": N_("改派更近的人员"),
            "task-interpreter": N_("请翻译"),
            "task-check-in": N_("安全签到"),
            "start-search": N_("启动查找当事人"),
            "stop-search": N_("停止查找"),
            "search-erased": N_("清除查找地点"),
            "task-place-not-there": N_("查找地点：不在"),
            "task-place-not-looked": N_("查找地点：未能查找"),
            "task-place-found": N_("查找地点：已找到"),
            "task-seen": N_("知道任务已取消"),
            "task-duress": N_("求助警报"),
            "check-in-missed": N_("未按时签到"),
            "alarm-acknowledged": N_("处置警报"),
        },
    ),
    "call": ActGroup(
        N_("96110 来电"),
        {
            "call-question": N_("登记来电咨询"),
            "call-report": N_("登记来电举报"),
            "caller-entered": N_("登记来电人"),
            "call-handed-over": N_("登记移交外地"),
            "call-back": N_("回电"),
            "call-ready": N_("开始接听来电"),
            "call-not-ready": N_("停止接听来电"),
            "hand-over-call": N_("转接通话"),
            "third-party-called": N_("邀请第三方加入通话"),
            "admit-third-party": N_("准许第三方加入通话"),
        },
    ),
    "complaint": ActGroup(
        N_("投诉与异议"),
        {
            "complaint-taken": N_("受理投诉"),
            "complaint-assigned": N_("分派投诉"),
            "complaint-answered": N_("答复投诉"),
            "complaint-upheld": N_("认定投诉成立"),
            "complaint-not-upheld": N_("认定投诉不成立"),
            "complaint-false-alarm": N_("因投诉登记误报"),
            "complaint-no-calls": N_("因投诉停止外呼"),
            "complaint-release-asked": N_("因投诉申请解除"),
            "complaint-data-referred": N_("转交更正信息"),
        },
    ),
    "subject-request": ActGroup(
        N_("个人信息请求"),
        {
            "subject-request-entered": N_("登记个人信息请求"),
            "subject-request-granted": N_("同意个人信息请求"),
            "subject-request-refused": N_("不同意个人信息请求"),
            "subject-request-done": N_("办结个人信息请求"),
            "subject-request-none": N_("未经请求办理个人信息"),
            "resident-corrected": N_("更正名册"),
            "legal-hold-entered": N_("登记保留要求"),
            "legal-hold-confirmed": N_("同意保留数据"),
            "legal-hold-dropped": N_("撤销保留要求"),
            "legal-hold-lift-asked": N_("申请解除保留"),
            "legal-hold-lift-refused": N_("不解除保留"),
            "legal-hold-lifted": N_("同意解除保留"),
            "data-preserved": N_("另存须保留的数据"),
        },
    ),
    "rule": ActGroup(
        N_("策略、暂停外呼与重大警情"),
        {
            "policy-drafted": N_("起草策略"),
            "policy-draft-saved": N_("保存策略草稿"),
            "policy-draft-dropped": N_("删除策略草稿"),
            "policy-previewed": N_("试算策略"),
            "policy-shadowed": N_("开始影子运行"),
            "policy-shadow-ended": N_("结束影子运行"),
            "policy-approved": N_("批准策略"),
            "policy-published": N_("发布策略"),
            "policy-taken-back": N_("恢复上一版策略"),
            "policy-stopped": N_("熔断停用策略"),
            "experiment-stopped": N_("停止对照试验"),
            "hold-set": N_("设置暂停外呼"),
            "hold-release": N_("解除暂停并放行"),
            "hold-drop": N_("解除暂停并丢弃"),
            "hold-failed": N_("解除暂停未成：暂停已自行结束"),
            "incident-declared": N_("宣布重大警情"),
            "incident-script": N_("修改统一话术"),
            "incident-ended": N_("结束重大警情"),
        },
    ),
    "shift": ActGroup(
        N_("排班与交接"),
        {
            "hand-over": N_("交班"),
            "hand-over-taken": N_("接班"),
            "roster-shift-added": N_("增加班次"),
            "roster-shift-changed": N_("修改班次"),
            "roster-shift-ended": N_("结束班次"),
            "roster-absence-added": N_("登记缺勤"),
            "roster-absence-ended": N_("结束缺勤"),
            "roster-open-taken": N_("安排补班"),
            "roster-open-dropped": N_("取消补班"),
            "roster-swap-approved": N_("批准换班"),
            "roster-swap-refused": N_("不批准换班"),
            "roster-person-put": N_("登记值班人员"),
            "roster-person-removed": N_("移除值班人员"),
            "roster-imported": N_("导入名册"),
            "roster-feed-renewed": N_("更新日历地址"),
            "roster-feed-ended": N_("停用日历地址"),
            "swap-asked": N_("申请换班"),
            "swap-accepted": N_("同意换班"),
            "swap-declined": N_("撤回或不同意换班"),
        },
    ),
    "account": ActGroup(
        N_("账号与登录"),
        {
            "signed-in": N_("已登录"),
            "signed-out": N_("退出"),
            "signed-out-everywhere": N_("退出所有设备"),
            "session-ended": N_("结束一处登录"),
            "push-device-added": N_("开启手机任务提醒"),
            "push-device-ended": N_("停止手机任务提醒"),
            "sessions-ended": N_("结束他人登录"),
            "password-changed": N_("修改密码"),
            "recovery-codes-made": N_("生成恢复码"),
            "second-factor-set-up": N_("设置验证器"),
            "key-added": N_("添加安全密钥"),
            "key-removed": N_("移除安全密钥"),
            "stepped-up": N_("再次证明身份"),
            "second-factor-reset": N_("重设验证器"),
            "one-time-password-made": N_("发放一次性密码"),
            "account-made": N_("新建账号"),
            "account-changed": N_("修改账号"),
            "account-disabled": N_("停用账号"),
            "account-enabled": N_("启用账号"),
            "account-opened-again": N_("重新开通账号"),
            "admin-asked": N_("申请管理事项"),
            "admin-confirmed": N_("同意管理事项"),
            "admin-refused": N_("不同意管理事项"),
        },
    ),
    "program": ActGroup(
        N_("接口"),
        {
            "token-made": N_("新建令牌"),
            "token-revoked": N_("吊销令牌"),
            "webhook-made": N_("新建推送"),
            "webhook-dropped": N_("删除推送"),
            "webhook-paused": N_("暂停推送"),
            "webhook-goes-on": N_("恢复推送"),
            "webhook-secret-new": N_("更换推送密钥"),
            "webhook-secret-old-dropped": N_("停用旧推送密钥"),
        },
    ),
    "system": ActGroup(
        N_("系统运行"),
        {
            "audit-verified": N_("核验审计"),
            "audit-heads": N_("导出各链最新记录"),
            "heads": N_("各链互证"),
            "feed-silent": N_("来源中断"),
            "feed-heard": N_("来源恢复"),
            "drain": N_("停止接收信号"),
            "drain-ended": N_("恢复接收信号"),
            "partitions-grow": N_("开始增加分区"),
            "partitions-grown": N_("已增加分区"),
            "partitions-grow-aborted": N_("撤销增加分区"),
            "letter-sending": N_("开始重发死信"),
            "letter-sent": N_("已重发死信"),
            "letter-dropped": N_("丢弃死信"),
            "vault-take-in": N_("存入身份库"),
            "vault-adopt": N_("启用身份库"),
        },
    ),
}
_WORDS = {act: words for group in GROUPS.values() for act, words in group.acts.items()}
_OWN_CHECK, _OTHER = N_("系统自查"), N_("其他行为")


def words(act: str) -> str:
    """Return the Chinese name of an act. An unknown act is a check of the system (系统自查) if it begins with CHECKS,
    else another act (其他行为).
    """
    return _WORDS.get(act) or (_OWN_CHECK if act.startswith(CHECKS) else _OTHER)


def acts_of(value: str) -> frozenset[str] | None:
    """Return the acts of a menu entry: one act, or all acts of a group; None if no entry was chosen."""
    group = GROUPS.get(value.removeprefix(ALL)) if value.startswith(ALL) else None
    if group is not None:
        return frozenset(group.acts)
    return frozenset({value}) if value else None
