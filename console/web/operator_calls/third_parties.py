"""Third parties whom an operator may call into a talk with a resident: who they are, and calling them.

Nobody is called before the case has the resident's consent or a supervisor's emergency ground
(domain/casework/calls/parties). Numbers go from here to the gateway, never to the browser.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from console.web.auth import trail
from console.web.auth.who import Who
from console.web.case.acts import ActBody, write
from console.web.case.answers import Answered
from console.web.kit.services import Services
from console.web.live.assigning import Operator
from console.web.operator_calls.shown import PhoneView
from console.web.operator_calls.transfers import colleagues_of, own_talk
from domain.casework.calls.parties import is_admitted
from domain.identity.masking import name as masked_name
from domain.ids import short_hash
from domain.payments.institutions import Institution
from schemas.casework.cases import Case
from schemas.casework.inputs import VisitStage
from schemas.casework.third_parties import AdmitThirdPartyAct, EmergencyGround, ThirdPartyInCall, ThirdPartyKind
from schemas.channels.operator_calls import ConsultedColleague, OperatorCallState
from schemas.codes.any_code import AnyCode
from schemas.people.rosters import Officer
from streams.channels.operator_calls.phones import OperatorPhones, Placed, ThirdPartyToCall

_PARTY_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")  # PartyName: an officer with another id cannot be called here
GOING = frozenset({VisitStage.ACCEPTED, VisitStage.ON_THE_WAY, VisitStage.ARRIVED})
"""The stages of a visit in which an officer has taken it on."""


@dataclass(frozen=True, slots=True)
class PartyChoice:
    """Somebody who can be called into a talk. `party`: the officer's id, the contact's index (from 0) in the register
    or the bank's code; `name`: of the bank or officer, or a contact's masked name with the number by which the timeline
    names them; `relation`: a contact's, as a code of the register, else ""; `admitted`: True if the case already has a
    ground for the call.
    """

    kind: ThirdPartyKind
    party: str
    name: str
    admitted: bool
    relation: str = ""

    @property
    def value(self) -> str:
        """The choice as a form's value, "kind:party", such as "contact:0"."""
        return f"{self.kind.value}:{self.party}"


@dataclass(frozen=True, slots=True)
class ThirdPartyView:
    """The third parties of a call for one reader. `latest`: whom the call has, or had last, None if nobody was called;
    `name`: of that person; `choices`: who can be called now; `mine`: it is the reader's own call; `asked`: the
    colleague whom the operator asks now; `colleagues`: who can be asked.
    """

    latest: ThirdPartyInCall | None
    name: str
    choices: Sequence[PartyChoice]
    mine: bool
    asked: ConsultedColleague | None = None
    colleagues: Sequence[Operator] = ()


class Joining(StrEnum):
    """The result of a wish to call a third party. CALLED: the telephone is to ring; NOT_NOW: the person has no talk
    with this resident, or there is a third party or an asked colleague; NO_CONSENT: the case has no ground for the
    call; NO_NUMBER: nobody of this value can be called; NOT_RECORDED: the case has not answered in time, so nobody is
    called; REFUSED: the case refuses the consent, or the gateway the call; UNKNOWN: the gateway may have taken the
    order.
    """

    CALLED = "called"
    NOT_NOW = "not_now"
    NO_CONSENT = "no_consent"
    NO_NUMBER = "no_number"
    NOT_RECORDED = "not_recorded"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Joined:
    """The result of a wish to call a third party. `why`: the case's reason if it refuses the consent, else None."""

    how: Joining
    why: AnyCode | None = None


@dataclass(frozen=True, slots=True)
class _Party:
    kind: ThirdPartyKind
    party: str
    name: str
    number: str = field(repr=False)
    relation: str = ""

    @property
    def value(self) -> str:
        return f"{self.kind.value}:{self.party}"


_PLACED: Mapping[Placed, Joining] = {
    Placed.TAKEN: Joining.CALLED,
    Placed.UNKNOWN: Joining.UNKNOWN,
    Placed.CERTAINLY_NOT: Joining.REFUSED,
    Placed.OTHERS: Joining.NOT_NOW,
}


async def third_party_view(services: Services, who: Who, case: Case, phone: PhoneView | None) -> ThirdPartyView | None:
    """Return the third parties of the shown call for the reader; None without a talk, or if the gateway calls none.
    Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    phones = services.phones
    if phones is None or not phones.takes_third_parties or phone is None or phone.live is None:
        return None
    if phone.live.report.state is not OperatorCallState.CONNECTED:
        return None
    known = await _parties(services, case)
    thirds = phone.live.report.thirds
    latest = thirds[-1] if thirds else None
    names = {(each.kind, each.party): each.name for each in known}
    name = names.get((latest.kind, latest.party), latest.party) if latest else ""
    choices = [
        PartyChoice(each.kind, each.party, each.name, is_admitted(case, each.kind, each.party), each.relation)
        for each in known
    ]
    asked = phone.live.report.colleague
    colleagues = await colleagues_of(services, phones, who, case) if phone.mine else ()
    return ThirdPartyView(latest, name, choices, phone.mine, asked, colleagues)


async def join_third(
    services: Services, phones: OperatorPhones, who: Who, case: Case, wanted: str, consent_form: str | None
) -> Joined:
    """Call a third party (`wanted`: a PartyChoice's value) into the talk that the operator `who` now has with the
    case's resident, and return the result (see Joining): CALLED, or why nobody is called, such as NO_CONSENT; a refusal
    raises nothing. UNKNOWN: the gateway may call.

    `consent_form`: the id of the form in which the operator states that the resident has consented; None: then the case
    must have a ground for the call already. The consent is recorded in the case first, and an audit entry is written
    before the call. Raises TimeoutError if Kafka does not answer in time, and SendError if it refuses a record for
    good. Errors of Redis pass through.
    """
    live = await own_talk(services, who, case)
    if live is None or live.report.colleague or any(each.state.goes_on for each in live.report.thirds):
        return Joined(Joining.NOT_NOW)
    found = next((each for each in await _parties(services, case) if each.value == wanted), None)
    if found is None:
        return Joined(Joining.NO_NUMBER)
    if not is_admitted(case, found.kind, found.party):
        refusal = await _consented(services, who, case, found, consent_form)
        if refusal is not None:
            return refusal
    await trail.write(services, who, "third-party-called", case.id, detail=f"{found.kind.value} {found.party}")
    third = ThirdPartyToCall(found.kind.value, found.party, found.number)
    placed = await phones.add_third(live.report.call, who.login, third)
    return Joined(_PLACED[placed])


async def _consented(services: Services, who: Who, case: Case, found: _Party, form: str | None) -> Joined | None:
    """Record the resident's consent. Returns None once the case has it, else why nobody is called."""
    if form is None:
        return Joined(Joining.NO_CONSENT)
    act = AdmitThirdPartyAct(kind=found.kind, party=found.party)
    # After a refusal, the same form may be sent again once the case has changed; with another party, it is another act.
    one = short_hash("consent", form, found.value, case.version)
    answer = await write(services, who, case, ActBody(form=one, seen=case.version, act=act))
    after = await services.desk.load(case.id)
    if after is not None and is_admitted(after, found.kind, found.party):
        return None
    if answer.how is Answered.DONE:
        return Joined(Joining.NOT_RECORDED)
    return Joined(Joining.NOT_RECORDED if answer.how is Answered.WAITING else Joining.REFUSED, answer.why)


async def emergency_act(services: Services, case: Case, wanted: str, ground: str) -> AdmitThirdPartyAct | None:
    """Return a supervisor's act that admits a third party without consent. It is not written. None if nobody with the
    value `wanted` (see PartyChoice) can be called, or `ground` is no EmergencyGround. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    known = {each.value: each for each in await _parties(services, case)}
    found = known.get(wanted)
    if found is None or ground not in set(EmergencyGround):
        return None
    return AdmitThirdPartyAct(kind=found.kind, party=found.party, emergency=EmergencyGround(ground))


async def _parties(services: Services, case: Case) -> list[_Party]:
    """Return who can be called for a case: officers who have taken on a visit, the resident's contacts, and the banks
    that have a desk's number in the table of institutions, those of the case first.
    """
    return [*await _officers(services, case), *await _contacts(services, case), *_banks(services, case)]


async def _officers(services: Services, case: Case) -> list[_Party]:
    rosters = services.line.outgoing.rosters
    tasks = (await rosters.tasks(services.line.clock.now())).values()
    going = {task.officer for task in tasks if task.case == case.id and task.stage in GOING}
    if not going:
        return []
    found = [each for each in await rosters.officers() if each.id in going]
    return [_of_officer(each) for each in found if each.phone and _PARTY_NAME.fullmatch(each.id)]


def _of_officer(officer: Officer) -> _Party:
    return _Party(ThirdPartyKind.OFFICER, officer.id, officer.name, officer.phone or "")


async def _contacts(services: Services, case: Case) -> list[_Party]:
    resident = (await services.line.residents.standing([case.resident])).get(case.resident)
    contacts = list(enumerate(resident.contacts)) if resident else []
    return [
        _Party(
            ThirdPartyKind.CONTACT, str(number), f"{masked_name(each.name)}（{number + 1}）", each.phone, each.relation
        )
        for number, each in contacts
        if each.phone.startswith("+") and number < case.profile.contacts
    ]


def _banks(services: Services, case: Case) -> list[_Party]:
    own = {each.institution for each in (*case.payments, *case.traced)}
    table = services.line.outgoing.institutions.by_code.values()
    ordered: list[Institution] = sorted(table, key=lambda each: each.code not in own)
    return [_Party(ThirdPartyKind.BANK, each.code, each.name, each.desk_phone) for each in ordered if each.desk_phone]
