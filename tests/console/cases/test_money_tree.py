"""The tree of a case's money on its page, as banks' answers come in."""

from datetime import timedelta
from typing import Any

from domain.identity.identifiers import account_token
from schemas.casework.cases import Case
from schemas.casework.inputs import BankFeedback, BankState
from schemas.casework.movements import MovedAccount, MovementKind, OnwardMovement
from streams.messaging import case_inputs
from streams.messaging.topics import home
from streams.screening.store import EvidenceStore
from tests.console.harness.case_forms import latest, red
from tests.console.harness.stage import Client, Stage
from tests.end_to_end.harness.rig import Line

SECOND = "9900000000007777"


async def answered(console: Stage, case: Case) -> None:
    """The payee's bank answers: two thirds went to another bank, where half of it was taken out in cash."""
    settings, payment = console.house.settings, case.payments[0]
    token = account_token(settings.key(), SECOND)
    await EvidenceStore(console.house.line.redis, settings.partitions).keep_accounts({token: SECOND})
    first, second = MovedAccount(bank="icbc", token=payment.payee), MovedAccount(bank="abc", token=token)
    told: dict[str, Any] = {"sequence": 1, "at": payment.at + timedelta(minutes=4)}
    onward = OnwardMovement(payer=first, payee=second, kind=MovementKind.TRANSFER, amount_fen=2_000_000, **told)
    told["at"] += timedelta(minutes=5)
    cash = OnwardMovement(payer=second, kind=MovementKind.CASH, amount_fen=1_000_000, **told)
    given = BankFeedback(
        id=f"{case.id}:answer",
        at=console.house.clock.now(),
        resident=case.resident,
        case=case.id,
        dispatch="none",
        transfer=payment.transfer,
        state=BankState.IN_FORCE,
        bank="icbc",
        movements=[onward, cash],
    )
    await console.house.line.producer.send_all([case_inputs.record(given, home(case.resident, settings.partitions))])
    await console.house.settle([case.resident])


async def test_the_money_of_a_case_shows_where_it_went_and_adds_up(
    console: Stage, line: Line, operator: Client
) -> None:
    _, case = await red(line)
    assert "资金去向" not in (await operator.get(f"/cases/{case.id}")).text
    await answered(console, case)
    assert len((await latest(console, case)).movements) == 2
    page = (await operator.get(f"/cases/{case.id}")).text
    tree = " ".join(page.partition('class="money-tree"')[2].partition("</div>")[0].split())
    for words in ("中国工商银行", "中国农业银行", "付款后 4 分钟", "付款后 9 分钟", "取现", "侦查线索"):
        assert words in tree
    figures = tree.partition('class="accounted"')[2].partition("</p>")[0]
    for name, amount in {
        "已付出": "¥30,000",
        "已回到当事人": "¥0",
        "银行已控制": "¥10,000",
        "去向待查": "¥10,000",
        "已取走": "¥10,000",
        "手续费": "¥0",
    }.items():
        assert f"{name} <strong>{amount}</strong>" in figures
    assert SECOND not in page
    assert "7777" in tree
    english = (await operator.get(f"/cases/{case.id}", headers={"accept-language": "en"})).text
    assert "Where the money went" in english
    assert "Taken out in cash" in english
