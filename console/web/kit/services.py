"""The objects that the console's routes share, made once per process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request

from domain.access.key_rings import KeyPurpose, KeyRing
from domain.wording.money_labels import INVENTED_BANKS
from streams.casework.claims import CaseClaims
from streams.installation import Installation
from streams.repositories.staff import Staff
from streams.security.installation_keys import ring
from streams.security.pictures import Pictures

if TYPE_CHECKING:
    from console.web.auth.guests import Guest
    from console.web.auth.security_log import SecurityLog
    from console.web.auth.sessions import Sessions
    from console.web.auth.signing import SignIn
    from console.web.case.kept_back import DelayedActs
    from console.web.case.stories import Stories
    from console.web.kit.events import Places
    from console.web.kit.settings import ConsoleSettings
    from console.web.live.figures import Figures
    from console.web.live.hub import Hub
    from console.web.live.queue import Queue
    from streams.channels.operator_calls.incoming import IncomingBoard
    from streams.channels.operator_calls.live import LiveCalls
    from streams.channels.operator_calls.phones import OperatorPhones
    from streams.channels.telephone import Telephone
    from streams.repositories.check_list import CheckList
    from streams.security.head_files import HeadFiles


@dataclass(slots=True)
class Services:
    """The objects that the routes share. `line`: the installation with its store, producer, residents and clock."""

    line: Installation
    desk: CaseClaims
    hub: "Hub"
    queue: "Queue"
    figures: "Figures"
    staff: Staff
    sessions: "Sessions"
    sign_in: "SignIn"
    security: "SecurityLog"
    settings: "ConsoleSettings"
    streams: "Places"
    journal_streams: "Places"  # of programs that follow the journal
    live_calls: "LiveCalls"
    incoming: "IncomingBoard"
    telephone: "Telephone | None" = None  # set if calls can be placed from a page
    phones: "OperatorPhones | None" = None  # set if the voice gateway rings operators' own telephones
    check_list: "CheckList | None" = None  # set if the public may ask about numbers
    head_files: "HeadFiles | None" = None  # set if the audit's heads are written to write-once storage
    guests: "Sequence[Guest]" = ()  # in the demo only
    stories: "Stories" = field(init=False)
    kept_back: "DelayedActs" = field(init=False)
    pictures: Pictures = field(default_factory=Pictures)
    counting_unmaskings: asyncio.Lock = field(default_factory=asyncio.Lock)  # held while reveals are counted

    def bank_name(self, code: str) -> str:
        """Return the name of a bank or payment institution in Chinese; `code` itself if it has none. Only a demo gives
        names to the invented ones: a real one may have the same code. Payments that persons reported have a source,
        but it is no bank.
        """
        if code == "reported":
            return "登记的付款"
        known = self.line.outgoing.institutions.by_code.get(code)
        invented = INVENTED_BANKS.get(code) if self.guests else None
        return invented or (known.name if known else code)

    def keys(self, purpose: KeyPurpose) -> KeyRing:
        """Return the installation's keys of a purpose as they are now. Raises SettingsError if it was given none."""
        return ring(self.line.settings, purpose)


def services(request: Request) -> Services:
    """Return the shared objects of the application."""
    found: Services = request.app.state.services
    return found
