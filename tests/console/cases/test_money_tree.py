"""The tree of a case's money on its page: from the bank's receipt over HTTP to what an operator reads."""

from datetime import datetime, timedelta

from console.web.kit.described import WordedCase
from console.web.kit.wording import wording
from domain.identity.own_words import without_words
from schemas.casework.acts import OutcomeAct
from schemas.casework.inputs import BankState
from schemas.casework.movements import MovementKind
from schemas.channels.receipts import AccountNumber, MovementReceipt
from schemas.levels import Outcome
from schemas.people.staff import StaffRole
from simulators.providers.bank import BankSays
from streams.state.keys import POLICIES
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import HERE
from tests.end_to_end.harness.signals import call, transfer

SECOND = AccountNumber(bank="abc", account="9900 0000 0000 7777")
MINUTE = timedelta(minutes=1)


def gone(mule: str, paid_at: datetime) -> tuple[MovementReceipt, ...]:
    """Two thirds of ¥30,000 went to another bank, where half of it was taken out in cash."""
    first = AccountNumber(bank="icbc", account=mule)
    onward = MovementReceipt(
        payer=first,
        payee=SECOND,
        kind=MovementKind.TRANSFER,
        amount_fen=2_000_000,
        at=paid_at + 4 * MINUTE,
        sequence=1,
    )
    cash = MovementReceipt(
        payer=SECOND, kind=MovementKind.CASH, amount_fen=1_000_000, at=paid_at + 9 * MINUTE, sequence=1
    )
    return onward, cash


async def test_the_money_of_a_case_shows_where_it_went_and_adds_up(console: Stage, operator: Client) -> None:
    line = console.line()
    mule, resident = line.account(), await line.resident(division=HERE)
    paid_at = line.house.clock.now() - MINUTE
    says = BankSays(12 * MINUTE, BankState.IN_FORCE, 1_000_000, "icbc", gone(mule, paid_at))
    console.house.behaviour.banks[mule] = [says, says._replace(after=14 * MINUTE)]  # told twice
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(minutes=1)
    await line.operator(resident, OutcomeAct(outcome=Outcome.ALREADY_DEFRAUDED))
    case = await line.case(resident)
    assert "资金去向" not in (await operator.get(f"/cases/{case.id}")).text
    await line.advance(minutes=20)
    case = await line.case(resident)
    assert len(case.movements) == 2
    assert mule not in case.model_dump_json()
    page = (await operator.get(f"/cases/{case.id}")).text
    tree = " ".join(page.partition('class="money-tree"')[2].partition("</details>")[0].split())
    for words in ("中国工商银行", "中国农业银行", "付款后 4 分钟", "付款后 9 分钟", "取现", "侦查线索"):
        assert words in tree
    figures = tree.partition('class="accounted"')[2].partition("</p>")[0]
    for name, amount in {
        "已付出": "¥30,000",
        "已回到当事人": "¥0",
        "银行已控制": "¥20,000",  # at the second bank too: its stop was approved
        "去向待查": "¥0",
        "已取走": "¥10,000",
        "手续费": "¥0",
    }.items():
        assert f"{name} <strong>{amount}</strong>" in figures
    payment = " ".join(page.partition('class="payments"')[2].partition("</li>")[0].split())
    assert "止付生效 ¥10,000" in payment
    assert "其余已转出，见资金去向 ¥20,000" in payment
    assert "9900000000007777" not in page
    assert "7777" in tree
    english = (await operator.get(f"/cases/{case.id}", headers={"accept-language": "en"})).text
    assert "Where the money went" in english
    assert "Taken out in cash" in english
    async with await console.signed_in(StaffRole.RELEASE_DESK) as desk:
        order = (await desk.get(f"/release/orders/{case.id}/{case.orders[0].step}")).text
    assert "中国农业银行" in order.partition('class="money-tree"')[2]
    assert "9900000000007777" not in order
    policies = console.services.line.policies  # as after an upgrade, whose policies have other fields
    policies._parsed.pop(case.policy)
    await console.services.line.redis.hset(POLICIES, case.policy, "[of_an_earlier_version]")
    kept = await operator.get(f"/cases/{case.id}")
    assert (kept.status_code, "资金去向" in kept.text) == (200, True)


async def test_the_release_desk_approves_a_stop_of_the_account_that_the_money_went_on_to(console: Stage) -> None:
    line = console.line()
    line.approves = False
    mule, resident = line.account(), await line.resident(division=HERE)
    paid_at = line.house.clock.now() - MINUTE
    says = BankSays(MINUTE, BankState.IN_FORCE, 1_000_000, "icbc", gone(mule, paid_at))
    console.house.behaviour.banks[mule] = [says]
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(minutes=1)
    await line.operator(resident, OutcomeAct(outcome=Outcome.ALREADY_DEFRAUDED))
    await line.approve(resident)
    await line.advance(minutes=10)
    case = await line.case(resident)
    here = f"/release/orders/{case.id}/stop.t0"
    shown = WordedCase.of(case, wording("zh"), without_words)
    assert ([each.movement for each in shown.traced], shown.movements, shown.accounts) == ([None], [], [])
    async with await console.signed_in(StaffRole.RELEASE_DESK) as desk:
        assert f'href="{here}"' in (await desk.get("/release")).text
        order = (await desk.get(here)).text
        printed = (await desk.get(f"{here}/print")).text
        for words in ("银行（中国工商银行）回告", "经 2 次转账到达该账户", "不是居民本人的付款", "中国农业银行"):
            assert words in order
            assert words in printed
        assert "¥10,000" in printed
        assert "9900000000007777" not in order + printed
        answer = await desk.post(f"{here}/approve", data={"form": "f1"})
        assert answer.status_code == 303, answer.text
        await line.advance(minutes=2)
        stop = (await desk.get(f"/release/stops/{case.id}/10000")).text
        assert "7777" in stop
        assert "9900000000007777" not in stop
        assert (await desk.get(f"/release/stops/{case.id}/10001")).status_code == 404
    assert [(contact.to, contact.said) for contact in line.bank.left][-1][0] == "9900000000007777"


async def test_an_account_that_the_money_went_on_to_belongs_to_what_the_strip_proposes(
    console: Stage, operator: Client
) -> None:
    line = console.line()
    line.approves = False
    mule, resident = line.account(), await line.resident(division=HERE)
    paid_at = line.house.clock.now() - MINUTE
    says = BankSays(MINUTE, BankState.IN_FORCE, 1_000_000, "icbc", gone(mule, paid_at))
    console.house.behaviour.banks[mule] = [says]
    await line.signal(call(line, resident), transfer(line, resident, mule))
    await line.advance(minutes=3)
    await line.approve(resident)
    await line.advance(minutes=10)
    case = await line.case(resident)
    (account,) = case.traced
    page = (await operator.get(f"/cases/{case.id}")).text
    assert "止付其余 ¥10,000" in page  # the stop at the first account is in force
    assert f'name="transfer" value="{account.transfer}" form="stops" data-fen="1000000" data-proposed checked' in page
    assert "资金转入" in page
    assert "9900000000007777" not in page
