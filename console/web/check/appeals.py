"""Appeals against an entry of the public check: reads the form, and carries out a supervisor's decision."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from pydantic import ValidationError

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case.public_check import changed_report
from console.web.check.listed import listed_of
from console.web.kit.filled import Filled, FormError
from console.web.kit.services import Services
from domain.desk import public_reports as rules
from domain.feeds.source_rights import APPEALS
from domain.identity.identifiers import normal_account, normal_phone
from domain.identity.links import normal_link
from domain.ids import short_hash
from schemas.people.public_reports import AppealOutcome, PublicReport, Reporter
from schemas.risk.signals import Watch, WatchState
from streams.intake.acceptor import Intake
from streams.runtime.tasks import until_done, wanted

REMOVE_SECONDS = 60.0
OUTSIDE_NAME = "吉林省以外"
LATEST_DECIDED = 500  # decisions among which `remove_decided` looks: more than are made between two of its calls
_FIELDS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "phone": ("scammer_phone", normal_phone),
    "account": ("payee", normal_account),
    "link": ("scam_link", normal_link),
}
"""By the kind of what is listed: the field of the report that holds it, and its normal form."""


def read_appeal(given: Filled, places: Mapping[str, str], now: datetime) -> PublicReport:
    """Return the appeal that a form describes, not stored yet. Raises FormError, with the field's name, for an invalid
    field.

    `places`: names of the counties that may be chosen, by code; `now`: the time of the appeal.
    """
    if not given["name"]:
        raise FormError("name", "请填写您的姓名。")
    if given["place"] not in places:
        raise FormError("place", "请选择您所在的县（市、区）。")
    if not given["text"]:
        raise FormError("text", "请说明为什么应当移出名单。")
    field, normal = _FIELDS.get(given["kind"], _FIELDS["phone"])
    try:
        listed = normal(given["subject"])
    except ValueError:
        raise FormError("subject", "无法识别，请核对号码、账号或链接，以及上面选择的种类。座机请加区号。") from None
    try:
        return PublicReport.model_validate(
            {
                "id": f"w{short_hash('check-appeal', given.form)}",
                "at": now,
                "reporter": Reporter.OWNER,
                "name": given["name"],
                "phone": _reached(given["phone"]),
                "place": given["place"],
                field: listed,
                "text": given["text"],
            }
        )
    except ValidationError:
        raise FormError("", "有一项内容过长或含有无法识别的字符。") from None


class NotListedError(Exception):
    """The subject itself is not listed, so there is nothing to remove."""


async def decide_appeal(services: Services, who: Who, report: PublicReport, outcome: AppealOutcome) -> bool:
    """Carry out a decision on an appeal, with an audit entry; no effect if another decision was made before.

    A removal takes the entry off the watchlist: a signal, sent once the decision is stored, so that no entry is removed
    against the decision that counts. Return True if the appeal is now decided by this person in this way, also when the
    same form is sent again. Raises NotListedError if an undecided appeal is to remove what is not listed: a lift of it
    would outrank all later reports. Raises TimeoutError if Kafka does not answer in time or the watchlist cannot be
    read, and SendError if Kafka refuses a record for good. UnknownPolicyError or PolicyError passes through if the
    policy in force is lost or invalid. Errors of Redis pass through.
    """
    now = services.line.clock.now()
    if report.waits and outcome.removes_entry and not (await listed_of(services, report)).itself:
        raise NotListedError
    how = partial(rules.decided_appeal, by=who.login, now=now, outcome=outcome)
    done = await changed_report(services, who, report, how, "appeal-decided", outcome.value)
    if (done.decided_by, done.appeal) != (who.login, outcome):
        return False
    async with trail.in_time():
        await _remove(services, done)
    return True


async def removing(services: Services) -> None:
    """Run until cancelled: every REMOVE_SECONDS (60), send the removals that were decided and not sent. Outages of
    Kafka and Redis are waited for. Raises AccessError if a server denies access, and SendError if Kafka refuses a
    signal for good.
    """
    while wanted():
        await until_done("removing what appeals were granted for", partial(remove_decided, services))
        await asyncio.sleep(REMOVE_SECONDS)


async def remove_decided(services: Services) -> None:
    """Send the removals that were decided and not sent, because Kafka or this process was away in between. The signals
    go to Kafka; waits while Kafka is unavailable. Raises SendError if Kafka refuses one for good, and TimeoutError or
    RedisError if Redis does not answer.
    """
    for report in await services.line.public_reports.decided(lambda _: True, LATEST_DECIDED):
        if rules.removal_waits(report):
            await _remove(services, report)


async def _remove(services: Services, report: PublicReport) -> None:
    """Send a decided removal, always as the same signal, and record that it was sent. No effect on other decisions."""
    if not rules.removal_waits(report):
        return
    await Intake(services.line.producer, services.line.settings).accept([_lifted(report)])
    now = services.line.clock.now()
    await services.line.public_reports.change(report.id, lambda known: rules.removed(known or report, now))


def _lifted(report: PublicReport) -> Watch:
    (subject, value), at = rules.contested(report), report.decided_at
    told = {"source": APPEALS, "id": f"appeal-{report.id}", "at": at, "arrived": at, "subject": subject}
    return Watch.model_validate({**told, "value": value, "state": WatchState.LIFTED, "reason": report.appeal})


def _reached(text: str) -> str:
    try:
        return normal_phone(text)
    except ValueError:
        raise FormError("phone", "请填写能联系到您的电话号码，座机请加区号。") from None
