"""A case's reasons in the page's language.

They are Chinese where they are made (domain/risk/words), as they are read out; each form here knows one of theirs, and
the catalogues have it in the other languages. A policy's own words stay as they are, unless a catalogue knows them.
"""

import re
from collections.abc import Callable

Translate = Callable[[str], str]

_LONG = r"\d+(?:秒|分钟|小时|天)"
_WHOLE = re.compile(rf"(?P<what>.+)（(?P<ago>刚刚|{_LONG}前)(?:，共(?P<times>\d+)次)?）", re.DOTALL)
_FORMS = (
    (re.compile(rf"正在与(?P<who>.+)通话，已(?P<long>{_LONG})"), "正在与%(who)s通话，已%(long)s"),
    (re.compile(rf"与(?P<who>.+)通话(?P<long>{_LONG})"), "与%(who)s通话%(long)s"),
    (re.compile(r"正在向(?P<who>.+)转账 (?P<yuan>¥[\d,.]+)"), "正在向%(who)s转账 %(yuan)s"),
    (re.compile(r"已向(?P<who>.+)转账 (?P<yuan>¥[\d,.]+)"), "已向%(who)s转账 %(yuan)s"),
    (re.compile(r"本人报案，涉及 (?P<yuan>¥[\d,.]+)"), "本人报案，涉及 %(yuan)s"),
    (re.compile(r"访问(?P<app>.+类)涉诈应用或网站"), "访问%(app)s涉诈应用或网站"),
)
TEXTS = (
    *(words for _, words in _FORMS),
    *("%(what)s（%(ago)s）", "%(what)s（%(ago)s，共%(times)s次）", "刚刚", "%(long)s前"),
    *("%(n)s秒", "%(n)s分钟", "%(n)s小时", "%(n)s天"),
    *("境外号码", "疑似GOIP设备号码", "改号电话", "涉诈号码", "陌生账户", "涉诈账户", "被举报账户"),
    *("刷单类", "贷款类", "投资类", "购物类", "屏幕共享类", "聊天类", "访问其他涉诈应用或网站"),
    *("收到疑似诈骗短信", "本人报案"),
)


def told(reason: str, translate: Translate) -> str:
    """One reason: what, how long ago, how often."""
    found = _WHOLE.fullmatch(reason)
    if found is None:
        return translate(reason) if reason else ""
    parts = {"what": _what(found["what"], translate), "ago": _ago(found["ago"], translate), "times": found["times"]}
    form = "%(what)s（%(ago)s）" if found["times"] is None else "%(what)s（%(ago)s，共%(times)s次）"
    return translate(form) % parts


def several(text: str, translate: Translate) -> str:
    """Reasons in one line, as casework puts them in a fact's words; what holds none is left as it is."""
    parts = text.split("; ")
    return "; ".join(told(part, translate) for part in parts) if any(map(_WHOLE.fullmatch, parts)) else text


def _what(text: str, translate: Translate) -> str:
    for form, words in _FORMS:
        if found := form.fullmatch(text):
            return translate(words) % {name: _part(name, part, translate) for name, part in found.groupdict().items()}
    return translate(text)


def _part(name: str, text: str, translate: Translate) -> str:
    if name == "yuan":
        return text
    return _span(text, translate) if name == "long" else translate(text)


def _ago(text: str, translate: Translate) -> str:
    return translate(text) if text == "刚刚" else translate("%(long)s前") % {"long": _span(text[:-1], translate)}


def _span(text: str, translate: Translate) -> str:
    number = text.rstrip("秒分钟小时天")
    return translate(f"%(n)s{text.removeprefix(number)}") % {"n": number}
