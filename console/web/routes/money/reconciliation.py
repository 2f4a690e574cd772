"""Routes of the work with banks: the scorecards of institutions, and each day's reconciliation with a bank."""

from fastapi import Request
from starlette.responses import Response

from console.web.auth import trail
from console.web.auth.who import Signed
from console.web.kit.door import RELEASES, Door
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.routes.money.messages import bank_day
from domain.payments.reconciliation import as_csv, totals
from domain.payments.scorecards import HOURS, scorecards

door = Door()


@door.page("/release/banks", RELEASES, name="release-banks")
async def banks(request: Request, who: Signed) -> Response:
    """Return the page with the scorecard of each institution that got stop orders of the area in the last weeks.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka and
    Redis pass through.
    """
    made = services(request)
    limit = (await made.line.policies.live()).plan.stop.result_within
    cards = scorecards(made.figures.book, who.sees, made.line.clock.now(), limit)
    ready = made.figures.ready.is_set()
    return page(request, "release_banks.html", cards=cards, limit=limit, hours=HOURS, reading=not ready)


@door.page("/release/reconciliation/{bank}/{day}.csv", RELEASES, name="release-file")
async def file(request: Request, bank: str, day: str, who: Signed) -> Response:
    """Return the day's reconciliation with a bank as a CSV file to download, with an audit entry. `day`: YYYY-MM-DD,
    China's.

    Raises NotFoundError if the person's area has no request or answer of that day. TimeoutError and SendError of Kafka,
    and errors of Redis, pass through.
    """
    made = services(request)
    lines, accounts = await bank_day(made, who, bank, day)
    text, digest = as_csv(bank, day, lines, accounts)
    await trail.write(made, who, "bank-reconciliation", f"{bank} {day}", "", digest)
    name = f'attachment; filename="reconciliation-{bank}-{day}.csv"'
    return Response(text, media_type="text/csv", headers={"Content-Disposition": name, "Cache-Control": "no-store"})


@door.page("/release/reconciliation/{bank}/{day}", RELEASES, name="release-day")
async def day(request: Request, bank: str, day: str, who: Signed) -> Response:
    """Return the day's reconciliation with a bank as a page. `bank`: the payer's bank, by its name in the transfers'
    ids (`bank_of`); `day`: YYYY-MM-DD, China's. Raises NotFoundError if the person's area has no request to this bank
    or answer of it of that day, also for a `day` that is no date. Errors of Redis pass through.
    """
    lines, accounts = await bank_day(services(request), who, bank, day)
    return page(request, "release_day.html", bank=bank, day=day, lines=lines, accounts=accounts, totals=totals(lines))
