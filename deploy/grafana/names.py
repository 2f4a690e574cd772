"""What values of labels are called on the boards, in Chinese and English; and where prefectures are."""

from datetime import date
from typing import Any

from domain.identity.divisions import names as english
from domain.identity.divisions import prefectures
from domain.wording.labels import RESULTS

COLORS = {"red": "red", "orange": "orange", "yellow": "yellow", "blue": "blue", "kept": "green", "missed": "red"}

# The prefectures' seats, degrees north and east, to the nearest 0.01 (public geography).
_SEATS = {
    "2201": (43.82, 125.32),
    "2202": (43.84, 126.55),
    "2203": (43.17, 124.35),
    "2204": (42.89, 125.14),
    "2205": (41.73, 125.94),
    "2206": (41.94, 126.42),
    "2207": (45.14, 124.82),
    "2208": (45.62, 122.84),
    "2224": (42.89, 129.51),
}
_TODAY = date(2026, 1, 1)  # the divisions that the boards are written for

_PREFECTURES = {each.code[:4]: (each.name, english("en")[each.name]) for each in prefectures(_TODAY)}

VOCABULARY: dict[str, dict[str, tuple[str, str]]] = {
    "level": {"red": ("红", "red"), "orange": ("橙", "orange"), "yellow": ("黄", "yellow"), "blue": ("蓝", "blue")},
    "prefecture": _PREFECTURES,
    "channel": {
        "sms": ("短信", "SMS"),
        "phone": ("电话", "telephone"),
        "visit": ("上门", "visit"),
        "payment": ("止付", "stop-payment"),
        "province": ("外省", "other province"),
    },
    "basis": {
        "evidenced": ("已劝阻（通话或见面）", "dissuaded, by a call or a visit"),
        "stated": ("已劝阻（另有依据）", "dissuaded, on another ground"),
    },
    "answer": {
        "nothing_paid": ("没有付款", "nothing paid"),
        "paid_since": ("称已付款", "say they have paid"),
        "contacted_again": ("称又被联系", "say they were contacted again"),
        "no_answer": ("没有回答", "no answer"),
        "waiting": ("等待回答", "waiting"),
    },
    "end": {"kept": ("按时", "met"), "missed": ("超时", "missed")},
    "whose": {
        "carrier": ("运营商", "carrier"),
        "desk": ("坐席", "desk"),
        "officer": ("民警", "officer"),
        "bank": ("银行", "bank"),
    },
    "state": {
        "raised": ("已预警", "raised"),
        "contacting": ("联系中", "contacting"),
        "in_conversation": ("通话中", "in conversation"),
        "visit_under_way": ("上门中", "visit under way"),
        "dissuaded": ("已劝阻", "dissuaded"),
        "not_persuaded": ("劝阻未成功", "not dissuaded"),
        "already_defrauded": ("已被骗", "already defrauded"),
        "false_alarm": ("误报", "false alarm"),
        "unreachable": ("联系不上", "unreachable"),
        "handed_over": ("已移交外省", "handed over"),
        "closed": ("已办结", "closed"),
        "asked": ("已申请", "requested"),
        "in_force": ("已止付", "in force"),
        "refused": ("被拒", "refused"),
        "expired": ("已到期", "expired"),
        "released": ("已解除", "released"),
        "returned": ("已返还", "returned"),
    },
    "result": {result.value: (words, result.value.replace("_", " ")) for result, words in RESULTS.items()},
    "outcome": {
        "below_threshold": ("低于阈值", "below threshold"),
        "unmatched": ("无匹配", "unmatched"),
        "duplicate": ("重复", "duplicate"),
        "dead_lettered": ("死信", "dead-lettered"),
    },
    "evidence": {
        "A": ("A 银行确认", "A bank confirmed"),
        "B": ("B 途中撤销", "B cancelled in flight"),
        "C": ("C 本人放弃", "C given up by the resident"),
        "D": ("D 模型估计", "D modelled"),
    },
}
VOCABULARY["outcome"]["raised"] = VOCABULARY["state"]["raised"]


def both(value: str, label: str = "") -> str:
    """Return the Chinese and English name of a label's value, separated by a blank; the value itself if it has no name.
    `label`: the label; "" or an unknown one searches the values of all labels.
    """
    of = [VOCABULARY[label]] if label in VOCABULARY else VOCABULARY.values()
    found = next((words[value] for words in of if value in words), None)
    return " ".join(dict.fromkeys(found)) if found else value


def gazetteer() -> list[dict[str, Any]]:
    """Return the entries of gazetteer.json, by which Grafana's map finds each prefecture by its code: the code (`key`),
    its name, and the latitude and longitude of its seat in degrees.
    """
    return [
        {"key": code, "name": both(code), "latitude": latitude, "longitude": longitude}
        for code, (latitude, longitude) in _SEATS.items()
    ]
