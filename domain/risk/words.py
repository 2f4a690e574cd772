"""The reasons of a risk as Chinese sentences that an operator can read out, the gravest first, with their figures."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.base import Partial
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState

MOST = 6  # nobody reads out more

_CALLER = Partial(
    {
        EvidenceKind.CALL_OVERSEAS: "境外号码",
        EvidenceKind.CALL_GOIP: "疑似GOIP设备号码",
        EvidenceKind.CALL_SPOOFED: "改号电话",
        EvidenceKind.SUSPECT_CALLER: "涉诈号码",
    }
)
_PAYEE = Partial(
    {
        EvidenceKind.NEW_PAYEE: "陌生账户",
        EvidenceKind.SUSPECT_PAYEE: "涉诈账户",
        EvidenceKind.REPORTED_PAYEE: "被举报账户",
    }
)
_APP = Partial(
    {
        EvidenceKind.APP_BRUSHING: "刷单类",
        EvidenceKind.APP_LOAN: "贷款类",
        EvidenceKind.APP_INVESTMENT: "投资类",
        EvidenceKind.APP_SHOPPING: "购物类",
        EvidenceKind.APP_MEETING: "屏幕共享类",
        EvidenceKind.APP_CHAT: "聊天类",
        EvidenceKind.APP_OTHER: "其他",
    }
)
_VERB = {TransferState.ATTEMPTED: "正在向", TransferState.PENDING: "正在向", TransferState.SETTLED: "已向"}


def reasons(weighty: Sequence[Evidence], fused: Sequence[str], now: datetime, longest_call: timedelta) -> list[str]:
    """Return at most 6 reasons: first the combination rules (`fused`), then each kind by its gravest member and count.

    `weighty`: the evidence, the gravest first. A call older than `longest_call` no longer counts as ongoing.
    """
    by_kind: dict[EvidenceKind, list[Evidence]] = {}
    for member in weighty:
        by_kind.setdefault(member.kind, []).append(member)
    told = [_line(members[0], len(members), now, longest_call) for members in by_kind.values()]
    return [*fused, *told][:MOST]


def _line(member: Evidence, times: int, now: datetime, longest_call: timedelta) -> str:
    repeated = f"，共{times}次" if times > 1 else ""
    return f"{_what(member, now, longest_call)}（{_ago(member.at, now)}{repeated}）"


def _what(member: Evidence, now: datetime, longest_call: timedelta) -> str:
    if caller := _CALLER.get(member.kind):
        return _call(member, caller, now, longest_call)
    if (payee := _PAYEE.get(member.kind)) and member.state is not None:
        return f"{_VERB[member.state]}{payee}转账 {yuan(member.amount_fen or 0)}"
    if member.kind is EvidenceKind.SCAM_SMS:
        return "收到疑似诈骗短信"
    if member.kind is EvidenceKind.OWN_REPORT:
        return "本人报案" + (f"，涉及 {yuan(member.amount_fen)}" if member.amount_fen else "")
    return f"访问{_APP.get(member.kind, '')}涉诈应用或网站"


def _call(member: Evidence, other: str, now: datetime, longest_call: timedelta) -> str:
    if member.ongoing and now < member.at + longest_call:
        so_far = max(now - member.at, timedelta(seconds=member.seconds))
        return f"正在与{other}通话，已{_long(so_far)}"
    return f"与{other}通话{_long(timedelta(seconds=member.seconds))}"


def yuan(fen: int) -> str:
    """Return a sum as ¥32,000, with fen only if there are any."""
    return f"¥{fen // 100:,}" + (f".{fen % 100:02d}" if fen % 100 else "")


def _ago(at: datetime, now: datetime) -> str:
    ago = max(timedelta(0), now - at)
    return "刚刚" if ago < timedelta(minutes=1) else f"{_long(ago)}前"


def _long(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    if seconds < 60:
        return f"{seconds}秒"
    if seconds < 3600:
        return f"{seconds // 60}分钟"
    return f"{seconds // 3600}小时" if seconds < 2 * 86_400 else f"{seconds // 86_400}天"
