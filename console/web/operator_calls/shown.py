"""Prepares the state of the operator's call for the header of the case page."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.web.auth.who import Who
from console.web.kit.services import Services
from schemas.casework.cases import Case
from schemas.channels.operator_calls import OperatorCallResult, OperatorCallState
from streams.channels.operator_calls.live import LiveCall

WAIT_SECONDS = 8.0  # a page's question is open so long: fewer questions, and a change is told at once
LOOK_SECONDS = 0.2
SAME = timedelta(seconds=2)  # the case's note of a call is written a moment after its report


@dataclass(frozen=True, slots=True)
class PhoneView:
    """The operators' telephones for one reader of a case page.

    `has`: the reader has a telephone; `live`: the call to show, None if there is none or the case itself states the
    result of the latest call; `mine`: True if that call is the reader's own.
    """

    has: bool
    live: LiveCall | None
    mine: bool

    @property
    def goes_on(self) -> bool:
        """True if a call is shown that has not ended."""
        return self.live is not None and self.live.goes_on

    @property
    def token(self) -> str:
        """A text that changes whenever the state of the call changes; "" without a call."""
        return state_token(self.live)

    @property
    def state(self) -> str:
        """The state of the shown call as a key of labels.OPERATOR_CALLS; "" without a call."""
        if self.live is None:
            return ""
        report = self.live.report
        return "held" if report.state is OperatorCallState.CONNECTED and report.held else report.state.value

    @property
    def result(self) -> OperatorCallResult | None:
        """The result of an ended call; None without a call or a result."""
        return self.live.report.result if self.live else None

    @property
    def ended_at(self) -> datetime | None:
        """When the shown call ended (UTC); None without a call, or while it goes on."""
        return self.live.at if self.live and not self.live.goes_on else None


async def phone_view(services: Services, who: Who, case: Case) -> PhoneView | None:
    """Return the state of the operator's call to show; None if no gateway with operators' telephones is configured.
    Errors of Redis pass through.
    """
    if services.phones is None:
        return None
    live = await services.live_calls.of(case.id)
    if live is not None and not live.goes_on and _is_overtaken(live, case):
        live = None
    return PhoneView(services.phones.has(who.login), live, live is not None and live.report.operator == who.login)


async def changed_view(services: Services, who: Who, case: Case, known: str) -> PhoneView | None:
    """Wait until the state of the operator's call has another token than `known`, at most WAIT_SECONDS (8), and return
    what `phone_view` returns then, changed or not. Does not wait if no call goes on. Errors of Redis pass through.
    """
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        shown = await phone_view(services, who, case)
        if shown is None or not shown.goes_on or shown.token != known or time.monotonic() >= ends:
            return shown
        await asyncio.sleep(LOOK_SECONDS)


def state_token(live: LiveCall | None) -> str:
    """Return a text that changes whenever the state of a call changes; "" without a call."""
    return f"{live.report.call}/{live.report.sequence}" if live else ""


def _is_overtaken(live: LiveCall, case: Case) -> bool:
    """Return True if the case knows of a later call than this one, such as one from another telephone."""
    return case.desk_call is not None and case.desk_call.at > live.at + SAME
