"""Things of two prefectures, as every route's parameters may name them, and people of each role in the first one.

A route whose parameter is not known here fails the access table: somebody must say what another area's is.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from fastapi import Request

from console.web.auth import csrf, tokens, unmask
from console.web.auth.who import Who
from console.web.kit.limits import Limits
from domain.access import requests
from domain.access.key_rings import KeyPurpose
from domain.access.step_up import SignedInBy
from schemas.administration.audit import RevealReason
from schemas.administration.drafts import Draft
from schemas.administration.requests import AdminAct
from schemas.casework.call_recordings import RecordedCallAct
from schemas.casework.cases import Case
from schemas.casework.evidence_files import EvidenceFile
from schemas.casework.inputs import EvidenceReport
from schemas.casework.own_account import ProposeHoldAct
from schemas.casework.searches import AssignedPlace, SearchGround, StartSearchAct
from schemas.channels.incoming_calls import IncomingCallReport
from schemas.channels.releases import ReleaseRequest
from schemas.people.alarms import Alarm, AlarmKind
from schemas.people.calls import Call, Ringing
from schemas.people.complaints import Complaint, ComplaintKind
from schemas.people.handovers import HandOver
from schemas.people.incidents import Incident
from schemas.people.legal_holds import LegalAuthority, LegalHold, LegalHoldDeed, LegalHoldEntry
from schemas.people.places import ListedPlace, PlaceKind, SearchList
from schemas.people.public_reports import PublicReport
from schemas.people.residents import Resident, TrustedContact
from schemas.people.staff import Account, Scope, StaffRole
from schemas.people.subject_requests import IdentityProof, SubjectRequest, SubjectRight
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.fan_outs import PayersRequest
from streams.messaging import case_inputs
from streams.messaging.topics import home
from streams.operations import rules
from streams.screening.payers import Payers
from streams.screening.upstream import suspect_id
from tests.console.harness.stage import CHANGCHUN, Client, Stage
from tests.end_to_end.harness.rig import HERE, Line
from tests.end_to_end.harness.signals import call, confirmed, transfer
from tests.end_to_end.warnings.test_own_hold import holds_enabled

JILIN_CITY = "2202"  # the other prefecture
HOLD_ROUTES = [f"own-account{each}" for each in ("", "-approve", "-decline", "-lift", "-print")]
THERE = "220202001"  # a street of it
HOSTILE = '王<zqx a="1">" zqx="1\' zqx=\'1 {{ 7*7 }}'  # a tag, an attribute in both quotes, a template's expression
MARK = "zqx"
RECORDING = "4" * 20
NOBODY = f"r{'a' * 16}"


@dataclass(frozen=True, slots=True)
class Thing:
    """What a parameter may be: of one's own area, of another's, of nobody. `foreign` none: it belongs to no area."""

    own: str | Mapping[StaffRole, str]
    foreign: str | None
    missing: str

    def mine(self, role: StaffRole) -> str:
        return self.own if isinstance(self.own, str) else self.own.get(role, self.missing)


@dataclass
class World:
    """`things`: by a parameter's name, or a route's name and the parameter's. `fields`: what a route's form names."""

    console: Stage
    people: dict[StaffRole, Account] = field(default_factory=dict)
    residents: list[Resident] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)  # the first is of one's own area
    mules: list[str] = field(default_factory=list)  # the payees' accounts, as the cases
    things: dict[str, Thing] = field(default_factory=dict)
    fields: dict[str, dict[str, Thing]] = field(default_factory=dict)

    def thing(self, route: str, parameter: str) -> Thing | None:
        return self.things.get(f"{route}:{parameter}") or self.things.get(parameter)

    @property
    def personal(self) -> list[str]:
        """What must be in no log and no address. Of telephones also as they are dialled."""
        found = [holding.value for each in self.residents for holding in (*each.phones, *each.accounts)]
        found += [contact.phone for each in self.residents for contact in each.contacts]
        return [*found, *(value.removeprefix("+86") for value in found if value.startswith("+86")), MARK]

    async def enter(self, role: StaffRole) -> Client:
        """A client with a new session of the role's person."""
        token, proof = await self.session(role)
        return Client(self.console.address, self.people[role], token, proof)

    async def session(self, role: StaffRole) -> tuple[str, str]:
        """A new session, whatever was done to the account before: its token, and what proves that a form is its own."""
        services, account = self.console.services, self.people[role]
        known = await services.staff.get(account.login)
        whole = account.model_copy(update={"epoch": known.epoch if known else 0})
        if known != whole:
            await services.staff.put(whole)
        token = await services.sessions.begin(whole, SignedInBy.PROVIDER)
        who = await services.sessions.find(token)
        assert who is not None
        return token, csrf.token(services.keys(KeyPurpose.SESSION), who)

    async def token(self, *scopes: Scope) -> str:
        """A new token of the service account."""
        staff, account = self.console.services.staff, self.people[StaffRole.SERVICE]
        known = await staff.get(account.login)
        if known is None or known.disabled:
            await staff.put(account)
        now = datetime.now(UTC)
        wanted = tokens.TokenWish("a test", scopes, now + timedelta(hours=1), "admin", "second")
        token, kept = tokens.make(known or account, wanted, now)
        await staff.put_token(kept)
        return token

    async def unmasked(self, client: Client) -> None:
        """Let the person read the first case's resident."""
        who = await self.console.services.sessions.find(client.token)
        assert who is not None
        await unmask.begin(self.console.services, who, self.cases[0], unmask.Wish(RevealReason.OTHER, "安全测试"))


@asynccontextmanager
async def unlimited() -> AsyncIterator[None]:
    """Let each account send any number of requests during the block."""

    async def uncounted(limits: Limits, request: Request, who: Who) -> None:
        """Count nothing."""

    with patch.object(Limits, "person", uncounted):
        yield


async def made(console: Stage) -> World:
    """All of it, on the console's line."""
    world, line = World(console), console.line()
    for role in StaffRole:
        officer = {"officer": "world-1"} if role is StaffRole.OFFICER else {}
        world.people[role] = await console.account(role, CHANGCHUN, name=HOSTILE, **officer)
    await _cases(world, line)
    await _calls(world, line)
    await _beside(world)
    await _decided(world)
    return world


async def _cases(world: World, line: Line) -> None:
    """A red case in each of the two prefectures, a visit given out and a stop asked for."""
    friend = TrustedContact(name=HOSTILE, phone=line.phone(), relation=HOSTILE)
    own = await line.resident(name=HOSTILE, address=HOSTILE, contacts=[friend])
    other = await line.resident(name=HOSTILE, address=HOSTILE, division=THERE)
    await line.officers("world-1")
    mules = {each.id: line.account() for each in (own, other)}
    await line.signal(*(confirmed(line, mule) for mule in mules.values()))
    for each in (own, other):
        await line.signal(call(line, each), transfer(line, each, mules[each.id]))
    await line.advance(minutes=8)
    objections = [await line.object_to(each, HOSTILE) for each in (own, other)]
    async with holds_enabled(line):
        for each in (own, other):
            await line.operator(each, ProposeHoldAct(account=0, duress=True, reason=HOSTILE))
    line.approves = True
    await line.operator(own, RecordedCallAct(id=RECORDING, written_ms=0, seconds=8.0))
    file = await _with_file(world, await line.case(own))
    search = await _with_search(world, line, own)
    world.residents, world.cases = [own, other], [await line.case(own), await line.case(other)]
    world.mules = list(mules.values())
    mine, theirs = world.cases
    world.things |= {
        "case_id": Thing(mine.id, theirs.id, f"{NOBODY}-1"),
        "number": Thing("0", None, "99"),
        "step": Thing(mine.orders[0].step, None, "no-order"),
        "objection": Thing(objections[0], None, "no-objection"),
        **{f"{route}:name": Thing("own.1", None, "own.9") for route in HOLD_ROUTES},
        "file_id": Thing(file.id, None, "f" * 20),
        "recording_id": Thing(RECORDING, None, "f" * 20),
        "search_id": Thing(search, None, "s" * 20),
        "campaign": Thing(mine.danger.campaign or "", theirs.danger.campaign or "", "k-nobody"),
        "language": Thing("ko", None, "xx"),
        "token": Thing("nobody", None, "nobody"),
        "webhook_id": Thing("nothing", None, "nothing"),
        "token_id": Thing("nothing", None, "nothing"),
        "session": Thing("nothing", None, "nothing"),
        "device": Thing("nothing", None, "nothing"),
        "offer_id": Thing("nothing", None, "nothing"),  # no case is offered to another province
        "digest": Thing(mine.policy, None, "f" * 16),
        "experiment-stop:name": Thing("nothing", None, "nothing"),  # no experiment is in the policy
    }


async def _with_file(world: World, case: Case) -> EvidenceFile:
    """An evidence file of a case, as somebody adds one."""
    house = world.console.house
    now = house.clock.now()
    file = EvidenceFile(id="1" * 20, at=now, by="somebody-else", original="0" * 64, written_ms=0)
    report = EvidenceReport(
        id="world-file", at=now, resident=case.resident, case=case.id, by="somebody-else", files=[file]
    )
    await house.line.producer.send_all([case_inputs.record(report, home(case.resident, house.settings.partitions))])
    await house.settle([case.resident])
    return file


async def _with_search(world: World, line: Line, resident: Resident) -> str:
    """A search for a resident that goes on, and its list of places; the search's id."""
    name, now, case = "2" * 20, world.console.house.clock.now(), await line.case(resident)
    place = ListedPlace(number="p1", kind=PlaceKind.USUAL, name=HOSTILE, division=HERE, address=HOSTILE)
    lists = world.console.services.line.search_lists
    await lists.put(SearchList(id=name, input=name, case=case.id, resident=resident.id, at=now, places=[place]))
    act = StartSearchAct(
        search=name,
        ground=SearchGround.LIFE,
        missing_since=now - timedelta(hours=1),
        places=[AssignedPlace(number="p1", officer="world-1")],
    )
    await line.operator(resident, act, role=StaffRole.SUPERVISOR)
    assert [each.id for each in (await line.case(resident)).searches] == [name]
    return name


async def _calls(world: World, line: Line) -> None:
    """Calls of the operator and of the supervisor, and somebody else's: each route begins with one of its own."""
    calls, now = world.console.services.line.calls, world.console.house.clock.now()
    here, there = world.residents
    family = await line.resident(name=HOSTILE)
    people = {"who": [here.id, family.id], "hand-over": [there.id], "": [here.id]}
    roles = (StaffRole.OPERATOR, StaffRole.SUPERVISOR)
    for number, (route, known) in enumerate(people.items(), 1):
        own = {role: f"c{number:010x}{index:010x}" for index, role in enumerate(roles)}
        another = f"c{number:010x}{15:010x}"
        phone = (there if there.id in known else here).phones[0].value
        for name, by in [*((name, world.people[role].login) for role, name in own.items()), (another, "somebody-else")]:
            await calls.put(Call(id=name, at=now, by=by, phone=phone, people=known, resident=known[0]))
        world.things[f"call-in-{route}:call_id" if route else "call_id"] = Thing(own, another, "c" + "e" * 20)
    rings = {role: f"c{9:010x}{index:010x}" for index, role in enumerate(roles)}
    far, long = "c" + "f" * 20, now + timedelta(hours=1)  # they ring for as long as the test needs
    for name, area in [*((name, CHANGCHUN) for name in rings.values()), (far, JILIN_CITY)]:
        await calls.ring(Ringing(id=name, at=long, phone=here.phones[0].value, area=area))
    world.things["call-in-answer:call_id"] = Thing(rings, far, "c" + "e" * 20)
    mine = {role: f"c{8:010x}{index:010x}" for index, role in enumerate(roles)}
    theirs = "c" + "d" * 20
    ringing = [*((name, world.people[role].login) for role, name in mine.items()), (theirs, "somebody-else")]
    for name, by in ringing:
        told = {"call": name, "at": now, "sequence": 1, "state": "ringing", "operator": by}
        report = IncomingCallReport.model_validate({**told, "caller": here.phones[0].value})
        await world.console.services.incoming.take(report, now)
    told = {"call": f"c{7:020x}", "at": now, "sequence": 2, "state": "ended", "result": "not_served", "call_back": True}
    report = IncomingCallReport.model_validate({**told, "caller": here.phones[0].value})
    await world.console.services.incoming.take(report, now)
    for route in ("incoming-open", "incoming-act"):
        world.things[f"{route}:call_id"] = Thing(mine, theirs, "c" + "e" * 20)
    world.fields["call-in-who"] = {"resident": Thing(family.id, None, NOBODY)}


async def _beside(world: World) -> None:
    """What people of both areas have begun."""
    line, now = world.console.services.line, world.console.house.clock.now()
    for name, area in (("world-own", HERE[:6]), ("world-foreign", THERE[:6])):
        alarm = Alarm(id=name, kind=AlarmKind.DURESS, at=now, told_at=now, officer="world-1", name=HOSTILE, area=area)
        await line.alarms.raise_(alarm)
    holds = [
        await rules.begin_hold(
            line, timedelta(days=30), "somebody-else", HOSTILE, False, {"area": area, "scam_type": "none"}
        )
        for area in (CHANGCHUN, JILIN_CITY)
    ]
    for mark, place in (("1", HERE[:6]), ("2", THERE[:6])):
        report = PublicReport(
            id="w" + mark * 20, at=now, name=HOSTILE, phone="+8619800099051", place=place, text=HOSTILE
        )
        await line.public_reports.put(report)
    login = (await world.console.account(StaffRole.OPERATOR, CHANGCHUN, name=HOSTILE)).login
    world.things |= {
        "alarm": Thing("world-own", "world-foreign", "world-nobody"),
        "hold_id": Thing(holds[0], holds[1], "h00000000"),
        "login": Thing(login, None, "nobody-at-all"),
        "report_id": Thing("w" + "1" * 20, "w" + "2" * 20, "w" + "9" * 20),
    }
    await world.console.house.settle([each.id for each in world.residents])


async def _decided(world: World) -> None:
    """What is decided by two: complaints, requests to lift a stop, drafts, hand-overs, incidents."""
    line, now, day = world.console.services.line, world.console.house.clock.now(), timedelta(days=1)
    policy = (await line.policies.default()).hash
    text = world.console.house.settings.policy.read_text("utf-8")
    for mark, area, case in zip("12", (CHANGCHUN, JILIN_CITY), world.cases, strict=True):
        complaint = Complaint(
            id="k" + mark * 20,
            at=now,
            by="somebody-else",
            kind=ComplaintKind.TOO_OFTEN,
            text=HOSTILE,
            area=case.profile.division,
            case=case.id,
            resident=case.resident,
            answer_due=now + day,
            end_due=now + 7 * day,
        )
        await line.complaints.put(complaint)
        await line.subject_requests.put(_subject_request(mark, case, now))
        await line.legal_holds.put(_legal_hold(mark, case, now))
        await line.handovers.put(
            HandOver(
                id=f"o{mark}", area=area, at=now, by="somebody-else", note=HOSTILE, figures={}, reds=[], digest="d"
            )
        )
        reason = {"reason": HOSTILE, "script": HOSTILE}
        campaign = case.danger.campaign or "k-none"
        await line.incidents.put(
            Incident(id="m" + mark * 20, campaign=campaign, area=area, at=now, by="somebody-else", **reason)
        )
        await line.releases.put(_request(f"q{mark}", case, world))
    fields = {"name": HOSTILE, "role": "operator", "area": CHANGCHUN}
    await line.admin_requests.put(
        requests.new_request(AdminAct.ACCOUNT_NEW, "world-new", fields, name="a1", by="somebody-else", now=now)
    )
    days = world.console.services.figures.book.days(lambda division: division.startswith(CHANGCHUN))
    bank, date = days[0] if days else ("bank", "2026-03-02")
    begun = {"text": text, "base": policy, "at": now, "by": "somebody-else", "note": HOSTILE}
    for name, area in (("d1", CHANGCHUN), ("d2", JILIN_CITY)):
        await line.drafts.put(Draft.model_validate({"id": name, "area": area, "writers": ["somebody-else"], **begun}))
    account = WatchEntry(subject="account:world", standing=WatchStatus.CONFIRMED, at=now, uid="police:world")
    question = PayersRequest(id="p" + "1" * 19, entry=account, source="police", at=now, payments=600)
    made = world.console.house.line
    await made.payers_requests.put(question)  # as a worker does it
    await Payers(made.redis, made.settings.partitions).put_back([account])
    world.things |= {
        "complaint_id": Thing("k" + "1" * 20, "k" + "2" * 20, "k" + "9" * 20),
        "legal_hold_id": Thing("l" + "1" * 20, "l" + "2" * 20, "l" + "9" * 20),
        "subject_request_id": Thing("s" + "1" * 20, "s" + "2" * 20, "s" + "9" * 20),
        "handover-take:name": Thing("o1", "o2", "o9"),
        "name": Thing("q1", "q2", "q9"),
        "payers_id": Thing(question.id, None, "p" + "9" * 19),
        "suspect_id": Thing(suspect_id(account), None, "9" * 20),
        "draft_id": Thing("d1", "d2", "d9"),
        "request_id": Thing("a1", None, "a9"),
        "bank": Thing(bank, None, "nobank"),
        "day": Thing(date, None, "2001-01-01"),
    }
    incident = Thing("m" + "1" * 20, "m" + "2" * 20, "m" + "9" * 20)
    world.fields |= {
        "complaint-assign": {"to": Thing(world.people[StaffRole.SUPERVISOR].login, None, "")},
        "incident-script": {"incident": incident},
        "incident-end": {"incident": incident},
    }


def _legal_hold(mark: str, case: Case, now: datetime) -> LegalHold:
    entered = LegalHoldEntry(id=f"world-{mark}", at=now, by="somebody-else", did=LegalHoldDeed.ENTERED)
    return LegalHold(
        id="l" + mark * 20,
        resident=case.resident,
        ordered_by=LegalAuthority.COURT,
        number=HOSTILE,
        until=now + timedelta(days=30),
        area=case.profile.division,
        entries=[entered],
    )


def _subject_request(mark: str, case: Case, now: datetime) -> SubjectRequest:
    return SubjectRequest(
        id="s" + mark * 20,
        at=now,
        by="somebody-else",
        right=SubjectRight.SEE,
        proof=IdentityProof.IN_PERSON,
        name=HOSTILE,
        note=HOSTILE,
        area=case.profile.division,
        resident=case.resident,
        due=now + timedelta(days=21),
    )


def _request(name: str, case: Case, world: World) -> ReleaseRequest:
    now, payment = world.console.house.clock.now(), case.payments[0]
    return ReleaseRequest(
        id=name,
        case=case.id,
        resident=case.resident,
        payment=0,
        transfer=payment.transfer,
        amount_fen=payment.amount_fen,
        division=case.profile.division,
        asked_by="somebody-else",
        asked_at=now,
        due=now + timedelta(hours=4),
        reason=HOSTILE,
        evidence=HOSTILE,
    )


def note() -> dict[str, object]:
    """An act on a case as another program sends it."""
    return {"act": {"do": "note", "what": "note", "note": "测试"}, "seen": 1}


def form(**fields: str) -> dict[str, str]:
    """What most forms hold; each has an id of its own."""
    usual = {"form": secrets.token_hex(10), "seen": "1", "reason": "因测试需要核对", "note": "测试", "text": "测试内容"}
    return usual | fields
