"""Renders pages: a template with the values that all pages share: language, account, navigation, the server's clock."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup, escape

from console import policy_faults
from console.web.auth import csrf
from console.web.auth.words import REVEAL_REASONS, ROLES
from console.web.kit.i18n import LANGUAGES, language_of, place, translations
from console.web.kit.navigation import in_bar, items
from console.web.kit.services import services
from console.web.kit.static_files import root
from console.web.kit.wording import named, wording
from domain.access.key_rings import KeyPurpose
from domain.calendar import day_of, local_date
from domain.identity import masking
from domain.identity.free_text import masked_text
from domain.payments.status import stopped_fen
from domain.wording import labels, money_labels, people_labels
from domain.wording.codes import yuan
from domain.wording.province_names import PROVINCES

TEMPLATES = Path(__file__).parents[1] / "templates"
ZONE = ZoneInfo("Asia/Shanghai")
_CHINESE = re.compile("[\u3400-\u9fff][\u3000-\u303f\u3400-\u9fff\uff00-\uffef]*")


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:  # noqa: ANN401 - what the template needs
    """Return a template rendered as an HTML response, which must not be stored by caches. All values are escaped.

    Raises jinja2.UndefinedError if `context` lacks a value that the template uses, and SettingsError if a person is
    signed in and no key for sessions is set.
    """
    language = language_of(request)
    who = getattr(request.state, "who", None)
    made = services(request)
    line = made.line
    navigation = items(who) if who else []
    common = {
        "language": language,
        "languages": LANGUAGES,
        "who": who,
        "csrf": csrf.token(made.keys(KeyPurpose.SESSION), who) if who else "",
        "navigation": navigation,
        "in_bar": in_bar(navigation),
        "now": line.clock.now(),
        "speed": line.clock.speed,
        "path": request.url.path,
        "demo": bool(made.guests),
        "bank_name": made.bank_name,
        "colleagues": made.staff.named,
        "number": made.hub.numbers.of,
        "numbered": made.hub.number,
    }
    text = environment(language).get_template(template).render({**common, **context})
    return HTMLResponse(text, status, headers={"Content-Language": language, "Cache-Control": "no-store"})


class _Compiled(BytecodeCache):
    """The code of the templates that were compiled in this process, in whichever language: to compile all of them takes
    seconds of a core.
    """

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the bucket the code of its template, if the same text was compiled before. Called by Jinja."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of the bucket's template. Called by Jinja."""
        self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


@lru_cache
def environment(language: str) -> Environment:
    """Return the Jinja environment of a language, with the pages' filters. Made once per language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=_COMPILED,
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = translations(language)
    # Jinja treats the result of `_()` as safe, but a text without a translation is returned as a person wrote it.
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        lambda text: str(escape(found.gettext(text))),
        lambda one, many, count: str(escape(found.ngettext(one, many, count))),
        newstyle=True,
    )
    made.globals |= {"labels": labels, "money_labels": money_labels, "people_labels": people_labels}
    made.globals |= {"reveal_reasons": REVEAL_REASONS, "staff_roles": ROLES}
    made.globals["static"] = root()
    made.filters.update(_FILTERS)
    made.filters["sentence"] = pass_context(
        lambda shown, code, whole=False: replace(
            wording(language, whole, _today(shown)), bank_name=_bank_name(shown)
        ).sentence(named(code, _people(shown)))
    )
    made.filters["person"] = pass_context(lambda shown, login: marked(_people(shown).get(login, login), language))
    made.filters["fault"] = _in_language(lambda fault: policy_faults.sentence(fault, found.gettext))
    made.filters["province"] = _in_language(lambda code: found.gettext(PROVINCES.get(str(code), str(code))))
    made.filters["place"] = _in_language(lambda names: place(names, found.gettext))
    made.filters["bank"] = pass_context(lambda shown, code: found.gettext(_bank_name(shown)(code)) if code else "")
    made.filters["yuan_short"] = _in_language(lambda fen: yuan_short(fen, language))
    made.filters["marked"] = _in_language(lambda text: marked(text, language))
    made.filters["masked_name"] = _in_language(lambda text, whole=False: marked(_masked_name(text, whole), language))
    return made


def _in_language(change: Callable[..., str]) -> Callable[..., str]:
    """Return the filter as one that takes the context, which it does not need: Jinja applies other filters to constants
    when it compiles, and compiles a template once for all languages.
    """
    return pass_context(lambda _shown, *given, **named: change(*given, **named))


def marked(text: str, language: str) -> Markup:
    """Return the text escaped; on a page in another language, Chinese parts are marked as Chinese for
    screen readers.
    """
    escaped = str(escape(text))
    return Markup(escaped if language == "zh" else _CHINESE.sub(r'<span lang="zh">\g<0></span>', escaped))  # noqa: S704 - escaped above


def yuan_short(fen: int, language: str) -> str:
    """Return an amount in fen as a short text in yuan, such as ¥1.2万 or ¥12k, for maps and axes. `language`: "zh",
    "en" or "ko"; Chinese and Korean count in ten thousands.
    """
    whole, (units, step) = fen / 100, _UNITS.get(language, _UNITS["en"])
    unit = ""
    for name in units:
        if whole >= step * 0.9995:
            whole, unit = whole / step, name
    return f"¥{whole:,.0f}{unit}" if not unit or whole >= 100 else f"¥{whole:.1f}".removesuffix(".0") + unit


def clock_time(at: datetime) -> str:
    """Return the time of day in China as HH:MM:SS."""
    return f"{at.astimezone(ZONE):%H:%M:%S}"


def hour_minute(at: datetime) -> str:
    """Return the time of day in China as HH:MM."""
    return f"{at.astimezone(ZONE):%H:%M}"


def date_time(at: datetime) -> str:
    """Return the day and time in China as MM-DD HH:MM."""
    return f"{at.astimezone(ZONE):%m-%d %H:%M}"


@pass_context
def moment(shown: Context, at: datetime) -> str:
    """Return a time in China: of the page's day as HH:MM, of another day as MM-DD HH:MM."""
    return hour_minute(at) if local_date(at) == _today(shown) else date_time(at)


def _today(shown: Context) -> date | None:
    """Return the day in China of the page's `now`; None for a template without it."""
    now = shown.get("now")
    return local_date(now) if now else None


def _people(shown: Context) -> Mapping[str, str]:
    """Return people's names by login; none for a template without them."""
    found: Mapping[str, str] = shown.get("colleagues", {})
    return found


def _bank_name(shown: Context) -> Callable[[str], str]:
    """Return the function that names the page's banks by their codes; for a template without it, one that returns the
    code.
    """
    found: Callable[[str], str] = shown.get("bank_name", str)
    return found


def epoch(at: datetime | None) -> int | str:
    """Return the time (aware) in ms since 1970, for a page's countdown; "" for None."""
    return "" if at is None else round(at.astimezone(UTC).timestamp() * 1000)


def milliseconds(span: timedelta) -> int:
    """Return a time span in whole milliseconds, rounded down."""
    return span // timedelta(milliseconds=1)


def minutes(span: timedelta) -> int:
    """Return a time span in minutes, rounded to the nearest."""
    return round(span.total_seconds() / 60)


def lasted(span: timedelta) -> str:
    """Return a duration as M:SS or H:MM:SS, without fractions of a second; a negative duration as 0:00."""
    hours, rest = divmod(max(0, int(span.total_seconds())), 3600)
    minute, second = divmod(rest, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _unless_whole(mask: Callable[[str], str]) -> Callable[[str, bool], str]:
    """Return a template filter (text, whole) that masks the text, or returns it unchanged if `whole` is True."""

    def masked(text: str, whole: bool = False) -> str:
        return text if whole else mask(text)

    return masked


_masked_name = _unless_whole(masking.name)
_UNITS = {"zh": (("万", "亿"), 10_000), "ko": (("만", "억"), 10_000), "en": (("k", "M", "bn"), 1000)}
_FILTERS: dict[str, Callable[..., Any]] = {
    "yuan": yuan,
    "stopped": stopped_fen,
    "clock_time": clock_time,
    "date_time": date_time,
    "moment": moment,
    "day": day_of,
    "epoch": epoch,
    "milliseconds": milliseconds,
    "minutes": minutes,
    "lasted": lasted,
    "masked_text": _unless_whole(masked_text),
    "masked_phone": _unless_whole(masking.phone),
    "masked_account": _unless_whole(masking.account),
}
