"""The texts and rules that the script of the public check's page gets as data, in the reader's language."""

from collections.abc import Callable, Mapping
from typing import Any

from domain.public_check.scan import rules_data
from domain.public_check.statuses import LINK_FORMS
from domain.wording.labels import SCAM_ADVICE, SCAMS

Say = Callable[[str], str]


def page_data(say: Say) -> Mapping[str, Any]:
    """Return the data of the page: the rules of the scan, how many elements a question about a link has, and the texts
    as `say` translates them. No answer says that a number is safe.
    """
    return {
        "rules": rules_data(),
        "forms": LINK_FORMS,
        "words": _words(say),
        "scams": {name: {"name": say(label), "advice": say(SCAM_ADVICE[name])} for name, label in SCAMS.items()},
    }


def _words(say: Say) -> Mapping[str, str | Mapping[str, str]]:
    return {
        "confirmed": {
            "title": say("已确认涉诈"),
            "advice": say(
                "公安机关已确认它用于诈骗。不要转账或回拨。已经转账的，立即拨打 96110 或 110，并致电银行止付。"
            ),
        },
        "reported": {
            "title": say("有人举报，尚未确认"),
            "advice": say("有人举报它涉诈，公安机关尚未确认。先不要转账，通过官方电话核实，拿不准就拨打 96110。"),
        },
        "unknown": {
            "title": say("名单中没有"),
            "advice": say("没有记录不表示安全。对方要您转账、共享屏幕或提供验证码的，一律停下，拨打 96110。"),
        },
        "asking": say("正在查询……"),
        "unreadable": say("无法识别，请核对号码、账号或链接，以及上面选择的种类。座机请加区号。"),
        "many": say("您的网络今天查询过多。要核实可疑来电，请拨打 96110。"),
        "away": say("暂时无法查询。要核实可疑来电，请拨打 96110。"),
        "nothing": say("没有发现号码、链接或常见的诈骗话术，这不表示它安全。拿不准就拨打 96110。"),
        "ask": say("查询"),
        "phone": say("电话"),
        "account": say("账号"),
        "link": say("链接"),
    }
