"""What the watchlist has about the subject of an appeal: its own entries, and those of the domains above a link."""

from dataclasses import dataclass
from datetime import datetime

from console.web.kit.services import Services
from domain.desk.public_reports import contested
from domain.identity.links import link_forms
from domain.public_check.statuses import check_status
from domain.risk.verdicts import rated_subject
from schemas.people.public_reports import PublicReport
from schemas.risk.evidence import WatchStatus
from schemas.risk.payee_checks import PayeeKind
from streams.screening.subjects import Subjects
from streams.screening.watchlist import NotWholeError, Watchlist

STORE_SECONDS = 2.0  # longest wait for Redis


@dataclass(frozen=True, slots=True)
class ListedForm:
    """An entry: the number or link that it is about, its status, and when it was made."""

    form: str
    standing: WatchStatus
    since: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """What is listed. `forms`: all entries, the subject's own first. `itself`: True if the subject itself is listed,
    not only a domain above it, so that a removal has an effect.
    """

    forms: tuple[ListedForm, ...]
    itself: bool


async def listed_of(services: Services, report: PublicReport) -> Listed:
    """Return what the watchlist has about the subject of an appeal. Raises TimeoutError while the watchlist cannot be
    read, and UnknownPolicyError or PolicyError if the policy in force is lost or invalid. Errors of Kafka and Redis
    pass through.
    """
    kind, value = contested(report)
    settings, now = services.line.settings, services.line.clock.now()
    own, *above = Subjects(settings.key()).listed(PayeeKind(kind), value)
    form_of = dict(zip([own, *above], link_forms(value) if kind == "link" else [value], strict=True))
    verdicts = (await services.line.policies.live()).risk.verdicts
    # Also those that the policy does not name, or that rated a link: whatever lists the subject can be appealed.
    rated = [rated_subject(own, source) for source in {*verdicts.vendors, *settings.rights().named}]
    if services.check_list is not None:
        rated += services.check_list.verdicts(own)
    try:
        watchlist = Watchlist(services.line.redis, settings, STORE_SECONDS)
        found = await watchlist.entries([own, *rated, *above])
    except NotWholeError:
        raise TimeoutError from None
    forms = [ListedForm(form_of.get(name, value), entry.standing, entry.at) for name, entry in found.items()]
    itself = check_status([entry for name, entry in found.items() if name not in above], now) is not None
    return Listed(tuple(forms), itself)
