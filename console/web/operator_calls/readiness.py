"""Ends the readiness for calls of operators who are not signed in any more: nobody sits at their telephones."""

import asyncio
import logging

from console.web.kit.services import Services
from streams.channels.operator_calls.phones import OperatorPhones
from streams.runtime.tasks import TRANSIENT, wanted

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0  # as often as the gateway is asked who is ready


async def following_sessions(services: Services, phones: OperatorPhones) -> None:
    """Run until cancelled: every LOOK_SECONDS (5), order that calls to the centre no longer ring anybody whose last
    session has ended: by sign-out, by an administrator, or because its time was over. Outages of Redis are logged and
    waited for.
    """
    while wanted():
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await end_readiness(services, phones)
        except TRANSIENT as error:
            log.warning("it is unknown who is signed in (%s): who is ready stays so", type(error).__name__)


async def end_readiness(services: Services, phones: OperatorPhones) -> None:
    """Order at the gateway that calls to the centre no longer ring the telephone of an operator who is ready and has no
    session. Errors of Kafka and Redis pass through.
    """
    if not phones.ready:
        return
    accounts = [each for each in await services.staff.all() if each.login in phones.ready]
    for login in phones.ready - await services.sessions.signed_in(accounts):
        await phones.set_ready(login, ready=False)
