"""What each channel sends: the right words to the right one, the right officer, the bank's four facts."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from agents.dispatch import Dispatching, channel_of, process
from agents.payments import BankProvider
from agents.phone import VoiceProvider
from agents.sms import SmsProvider
from agents.visits import StationProvider
from domain.dispatches.messages import confirm
from schemas.casework.acts import OutcomeAct
from schemas.casework.events import Dispatch
from schemas.casework.inputs import BankFeedback, BankState, OfficerReport, VisitStage
from schemas.levels import Action, Channel, Outcome
from schemas.people.residents import Holding, Language
from schemas.people.rosters import Officer, Role, Roster, Shift
from simulators.providers.bank import BankSays, Feedback, Stopping
from simulators.providers.station import Errand, Stage
from streams.channels.channel import Channel as Carrying
from streams.channels.delivery import Delivery
from streams.channels.outgoing import Outgoing
from streams.channels.provider import Provider
from streams.messaging.dead_letter_writer import DeadLetters
from streams.repositories.residents.register import Residents
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.screening.payers import spread
from streams.state.keys import key
from tests.channel_rig import ACCOUNT, FRIEND, PHONE, Rig, new_resident, rigged, until
from tests.dispatched import NOW, case_of, dispatch_for, payment

DAY = Shift(start=NOW - timedelta(hours=4), end=NOW + timedelta(hours=8))
CARD = "6228480000000000000"  # of a bank whose cards begin so; nobody's
NIGHT = Shift(start=NOW + timedelta(hours=8), end=NOW + timedelta(hours=20))


def provider_of(outgoing: Outgoing, dispatch: Dispatch) -> Provider:
    providers: dict[Channel, Callable[[Outgoing], Provider]] = {
        Channel.SMS: SmsProvider,
        Channel.PHONE: VoiceProvider,
        Channel.VISIT: StationProvider,
        Channel.PAYMENT: BankProvider,
    }
    return providers[dispatch.channel](outgoing)


async def carry(rig: Rig, dispatch: Dispatch) -> Dispatch:
    outgoing = await rig.worker()
    await rig.decided(dispatch)
    await channel_of(provider_of(outgoing, dispatch), outgoing).carry([dispatch])
    return dispatch


def officer(name: str, *shifts: Shift, division: str = "220102001") -> Officer:
    return Officer(id=name, name="某警官", role=Role.OFFICER, division=division, shifts=list(shifts))


async def test_a_message_has_the_last_digits_and_a_code_that_96110_confirms(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await carry(rig, dispatch_for((await rig.resident()).id, Action.FLASH_SMS))
        (contact,) = rig.providers.carrier.book
        assert contact.to == PHONE
        assert "尾号1234" in contact.said
        code = contact.said.partition("核验码")[2][:6]
        assert confirm(rig.settings.key(), case_of(dispatch), code) == dispatch.id


async def test_a_minors_warning_goes_to_the_guardian_in_the_guardians_language(settings: Settings) -> None:
    async with rigged(settings) as rig:
        guardian = new_resident().model_copy(
            update={"phones": [Holding(value="+8619900009999")], "language": Language.KOREAN}
        )
        child = new_resident().model_copy(update={"birth_year": 2012, "guardian": guardian.id})
        await Residents(rig.settings, rig.redis, rig.producer).put([guardian, child])
        await carry(rig, dispatch_for(child.id, Action.ROBOT_CALL))
        (contact,) = rig.providers.carrier.book
        assert contact.to == "+8619900009999"
        assert "끝자리 9999" in contact.said


async def test_entries_merged_in_a_circle_fail_their_own_dispatch_and_nothing_else(settings: Settings) -> None:
    async with rigged(settings) as rig:
        one, other = new_resident(), new_resident()
        circle = [one.model_copy(update={"merged_into": other.id}), other.model_copy(update={"merged_into": one.id})]
        await Residents(rig.settings, rig.redis, rig.producer).put(circle)
        await carry(rig, dispatch_for(one.id))
        assert await rig.results(one.id) == ["failed"]


async def test_a_trusted_contact_is_told_whom_it_is_about_and_not_what_happened(settings: Settings) -> None:
    async with rigged(settings) as rig:
        await carry(rig, dispatch_for((await rig.resident()).id, Action.CONTACT_SMS))
        (contact,) = rig.providers.carrier.book
        assert contact.to == FRIEND
        assert "1234" in contact.said
        assert "刷单" not in contact.said
        assert "诈骗" not in contact.said


async def test_an_operators_call_waits_on_the_desk_and_rings_nowhere(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await carry(rig, dispatch_for((await rig.resident()).id, Action.OPERATOR_CALL))
        assert await rig.results(dispatch.resident) == ["sent"]
        assert rig.providers.carrier.book == []


async def test_an_officer_off_duty_is_never_sent_however_near(settings: Settings) -> None:
    async with rigged(settings) as rig:
        resident = (await rig.resident()).id
        rosters = (await rig.worker()).rosters
        await rosters.put(Roster(station="near", officers=[officer("p-near", NIGHT), officer("p-none")]))
        first = await carry(rig, dispatch_for(resident, Action.VISIT))
        assert await rig.results(resident) == ["failed"]
        await rosters.put(Roster(station="far", officers=[officer("p-far", DAY, division="222401001")]))
        await carry(rig, first.model_copy(update={"attempt": 2, "id": first.id.replace(":1:", ":2:")}))
        assert [contact.to for contact in rig.providers.station.book] == ["p-far"]


async def test_an_officer_who_refuses_is_followed_by_another(settings: Settings) -> None:
    async def visit(errand: Errand, now: datetime) -> Sequence[Stage]:
        return [Stage(timedelta(0), VisitStage.REFUSED)]

    async with rigged(settings, visit=visit) as rig:
        await rig.receiving()
        resident = (await rig.resident()).id
        two = [officer("p-1", DAY), officer("p-2", DAY)]
        await (await rig.worker()).rosters.put(Roster(station="s", officers=two))
        for attempt in (1, 2, 3):
            await carry(rig, dispatch_for(resident, Action.VISIT, attempt))

            async def refused(attempt: int = attempt) -> bool:
                told = [each for each in await rig.inputs(resident) if isinstance(each, OfficerReport)]
                return sum(each.stage is VisitStage.REFUSED for each in told) >= min(attempt, 2)

            await until(refused)
        assert [contact.to for contact in rig.providers.station.book] == ["p-1", "p-2"]
        assert "failed" in await rig.results(resident)  # both have refused: nobody is left


async def test_a_late_officer_is_followed_by_another_and_has_the_visit_no_longer(settings: Settings) -> None:
    async def visit(errand: Errand, now: datetime) -> Sequence[Stage]:
        return []

    async with rigged(settings, visit=visit) as rig:
        resident = (await rig.resident()).id
        rosters = (await rig.worker()).rosters
        await rosters.put(Roster(station="s", officers=[officer("p-1", DAY), officer("p-2", DAY)]))
        for attempt in (1, 2):
            await carry(rig, dispatch_for(resident, Action.VISIT, attempt))
        assert [contact.to for contact in rig.providers.station.book] == ["p-1", "p-2"]
        tasks = await rosters.tasks(NOW)
        assert {task.officer: task.state.value for task in tasks.values()} == {"p-1": "late", "p-2": "open"}


async def test_an_officer_reports_each_stage_of_the_visit(settings: Settings) -> None:
    async def visit(errand: Errand, now: datetime) -> Sequence[Stage]:
        return [
            Stage(timedelta(seconds=0.1), VisitStage.ARRIVED),
            Stage(timedelta(seconds=0.2), VisitStage.DONE, OutcomeAct(outcome=Outcome.DISSUADED)),
        ]

    async with rigged(settings, visit=visit) as rig:
        await rig.receiving()
        resident = (await rig.resident()).id
        rosters = (await rig.worker()).rosters
        await rosters.put(Roster(station="s", officers=[officer("p-1", DAY)]))
        await carry(rig, dispatch_for(resident, Action.VISIT))

        async def done() -> bool:
            return len(await rig.inputs(resident)) == 4

        await until(done)
        reports = [each for each in await rig.inputs(resident) if isinstance(each, OfficerReport)]
        assert [each.stage for each in reports] == [VisitStage.ASSIGNED, VisitStage.ARRIVED, VisitStage.DONE]
        assert reports[1].place == "220102001"
        assert reports[2].outcome == OutcomeAct(outcome=Outcome.DISSUADED)
        assert [task.state.value for task in (await rosters.tasks(NOW)).values()] == ["ended"]


async def test_the_roster_and_the_visits_given_out_outlive_redis(settings: Settings) -> None:
    async with rigged(settings) as rig:
        resident = (await rig.resident()).id
        rosters = (await rig.worker()).rosters
        await rosters.put(Roster(station="s", officers=[officer("p-1", DAY)]))
        dispatch = await carry(rig, dispatch_for(resident, Action.VISIT))
        await rig.redis.flushdb()
        await rosters.restore()
        assert "p-1" in {each.id for each in await rosters.officers()}
        assert (await rosters.tasks(NOW))[dispatch.id].officer == "p-1"


async def test_the_bank_gets_name_account_amount_and_time_and_tells_in_stages(settings: Settings) -> None:
    async def decide(stopping: Stopping, now: datetime) -> Feedback:
        seen.append(stopping)
        return [
            BankSays(timedelta(0), BankState.IN_FORCE, 1),
            BankSays(timedelta(seconds=0.1), BankState.FROZEN, 500_000),
        ]

    seen: list[Stopping] = []
    async with rigged(settings, decide=decide) as rig:
        await rig.receiving()
        paid = payment().model_copy(update={"payee": await rig.knows(ACCOUNT)})
        resident = (await rig.resident()).id
        dispatch = await carry(rig, dispatch_for(resident, Action.STOP_PAYMENT, payment=paid))

        async def told() -> bool:
            return len(await rig.inputs(resident)) == 3

        await until(told)
        assert seen == [Stopping(dispatch.id, Action.STOP_PAYMENT, ACCOUNT, "bank:1", 500_000)]
        feedback = {each.state: each for each in await rig.inputs(resident) if isinstance(each, BankFeedback)}
        told_of = {state: each.amount_fen for state, each in feedback.items()}
        assert told_of == {BankState.IN_FORCE: 1, BankState.FROZEN: 500_000}  # two requests: either may be first
        until_when = feedback[BankState.IN_FORCE].until
        assert until_when is not None
        assert until_when - NOW >= timedelta(hours=48)


async def test_the_order_names_the_payees_institution_that_a_person_gave_or_else_the_cards(settings: Settings) -> None:
    seen: list[Stopping] = []

    async def decide(stopping: Stopping, now: datetime) -> Feedback:
        seen.append(stopping)
        return []

    async with rigged(settings, decide=decide) as rig:
        resident = (await rig.resident()).id
        for attempt, (account, given) in enumerate([(ACCOUNT, None), (ACCOUNT, "tenpay"), (CARD, None)], 1):
            paid = payment().model_copy(update={"institution": given, "payee": await rig.knows(account)})
            await carry(rig, dispatch_for(resident, Action.STOP_PAYMENT, attempt, payment=paid))
        assert [each.institution for each in seen] == [None, "tenpay", "abc"]


async def test_an_order_follows_the_money_to_an_account_but_never_to_one_of_the_payers_own(settings: Settings) -> None:
    sent: list[Stopping] = []

    async def decide(stopping: Stopping, now: datetime) -> Feedback:
        sent.append(stopping)
        return []

    reached = payment().model_copy(update={"transfer": "abc:traced-1-0", "institution": "abc", "movement": "icbc#7"})
    async with rigged(settings, decide=decide) as rig:
        resident = new_resident().model_copy(update={"accounts": [Holding(value=ACCOUNT)]})
        await Residents(rig.settings, rig.redis, rig.producer).put([resident])
        for attempt, account in enumerate((CARD, ACCOUNT), 1):
            paid = reached.model_copy(update={"payee": await rig.knows(account)})
            await carry(rig, dispatch_for(resident.id, Action.STOP_PAYMENT, attempt, payment=paid))
        assert await rig.results(resident.id) == ["sent", "failed"]
    assert [(each.transfer, each.institution) for each in sent] == [("abc:traced-1-0", "abc")]


async def test_an_account_is_stopped_for_48_hours_and_twice_at_most(settings: Settings) -> None:
    async with rigged(settings) as rig:
        paid = payment().model_copy(update={"payee": await rig.knows(ACCOUNT)})
        resident = (await rig.resident()).id
        hours = {1: 0, 2: 1, 3: 49, 4: 98}  # the second payer joins the stop that runs
        for attempt, after in hours.items():
            rig.providers.bank.clock = Clock.starting(1, NOW + timedelta(hours=after))
            await carry(rig, dispatch_for(resident, Action.STOP_PAYMENT, attempt, payment=paid))
        assert await rig.results(resident) == ["sent", "sent", "sent", "failed"]


async def test_an_account_that_is_not_known_is_reported(settings: Settings) -> None:
    async with rigged(settings) as rig:
        dispatch = await carry(rig, dispatch_for((await rig.resident()).id, Action.STOP_PAYMENT, payment=payment()))
        assert await rig.results(dispatch.resident) == ["failed"]
        assert rig.providers.bank.book == []


async def test_another_accounts_number_behind_the_payees_token_stops_nobody(settings: Settings) -> None:
    async with rigged(settings) as rig:
        paid = payment().model_copy(update={"payee": await rig.knows(ACCOUNT)})
        where = key("accounts-by-token", spread(paid.payee, rig.settings.partitions))
        for number in (CARD, "?"):  # as a process could write that may store accounts of banks' answers
            await rig.redis.hset(where, paid.payee, number)
            dispatch = await carry(rig, dispatch_for((await rig.resident()).id, Action.STOP_PAYMENT, payment=paid))
            assert await rig.results(dispatch.resident) == ["failed"]
        assert rig.providers.bank.book == []


async def test_a_silent_workers_dispatch_that_fails_is_logged_without_values(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(dispatch: Dispatch) -> Delivery:
        raise ValueError(f"{PHONE} cannot be read for {dispatch.id}")

    async with rigged(settings) as rig:
        outgoing = await rig.worker()
        channel = Carrying(failing, process, DeadLetters(rig.producer, rig.clock), rig.channels)
        flow = Dispatching(outgoing, {Channel.SMS: channel})
        flow.carry_beside([dispatch_for((await rig.resident()).id)])
        await until(lambda: not flow.carrying)
    assert "ValueError" in caplog.text
    assert "in failing" in caplog.text
    assert PHONE not in caplog.text
