"""Messages as banks send them. The people, accounts and banks are invented: no country is ZZ or YY."""

from datetime import UTC, datetime

from domain.payments.institutions import Institution
from streams.iso20022.cancellation import Cancellation
from streams.iso20022.status_request import StatusRequest

AT = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
PAYER, PAYEE = "9900000000000001", "9900000000000002"
DISPATCH = f"r{'a' * 16}-1:stop.0:1:payment"
BANK = Institution(code="ybank", name="某银行", cancellation="camt.056.001.09", bic="YYYYCNYY")
ORDER = Cancellation(DISPATCH, AT, "E2E-1", 123_450, AT, "某某", PAYEE, "某甲")

QUESTION = StatusRequest(f"r{'a' * 16}-1:ask.stop.0.1:1:payment", DISPATCH, AT, "E2E-1", 123_450, AT, PAYEE, "某甲")


def document(kind: str, body: str) -> bytes:
    """A document of a kind, as pacs.008.001.08."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}">{body}</Document>'.encode()


def accounts(payer: str, payee: str) -> str:
    """The two accounts and the payer's bank, in the order of pacs.008."""
    return (
        f"<Dbtr><Nm>某某</Nm></Dbtr>{account('Dbtr', payer)}{bank('DbtrAgt', 'ZZZZCNZZ')}{bank('CdtrAgt', 'YYYYCNYY')}"
        f"<Cdtr><Nm>某甲</Nm></Cdtr>{account('Cdtr', payee)}"
    )


def account(whose: str, number: str) -> str:
    return f"<{whose}Acct><Id><Othr><Id>{number}</Id></Othr></Id></{whose}Acct>"


def bank(role: str, bic: str) -> str:
    return f"<{role}><FinInstnId><BICFI>{bic}</BICFI></FinInstnId></{role}>"


def payment(
    name: str = "E2E-1",
    amount: str = "1234.50",
    currency: str = "CNY",
    *,
    ids: str = "",
    more: str = "",
    payee: str = PAYEE,
) -> str:
    """A transaction of pacs.008. `ids`: further ids; `more`: an acceptance time or the like, after the amount."""
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{name}</EndToEndId>{ids}</PmtId>"
        f'<IntrBkSttlmAmt Ccy="{currency}">{amount}</IntrBkSttlmAmt>{more}<ChrgBr>SLEV</ChrgBr>'
        f"{accounts(PAYER, payee)}</CdtTrfTxInf>"
    )


def payments(*each: str, number: int | None = None, id_: str = "M-1", kind: str = "pacs.008.001.08") -> bytes:
    """A pacs.008. `number`: of the transactions, as its header says; `id_`: the message's."""
    count = len(each) if number is None else number
    header = (
        f"<GrpHdr><MsgId>{id_}</MsgId><CreDtTm>2026-03-01T11:12:00+08:00</CreDtTm><NbOfTxs>{count}</NbOfTxs>"
        "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>"
    )
    return document(kind, f"<FIToFICstmrCdtTrf>{header}{''.join(each)}</FIToFICstmrCdtTrf>")


def report(status: str = "ACSC", name: str = "E2E-1", *, original: bool = True) -> bytes:
    """A pacs.002 on one payment."""
    told = (
        f'<OrgnlTxRef><IntrBkSttlmAmt Ccy="CNY">1234.5</IntrBkSttlmAmt>{account("Dbtr", PAYER)}'
        f"{bank('DbtrAgt', 'ZZZZCNZZ')}{account('Cdtr', PAYEE)}</OrgnlTxRef>"
    )
    header = "<GrpHdr><MsgId>M-2</MsgId><CreDtTm>2026-03-01T11:13:00+08:00</CreDtTm></GrpHdr>"
    one = (
        f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts>{told if original else ''}"
        "</TxInfAndSts>"
    )
    return document("pacs.002.001.11", f"<FIToFIPmtStsRpt>{header}{one}</FIToFIPmtStsRpt>")


def status(
    status: str = "PDNG", *, case: str | None = f"{'a' * 16}-1:stop.0:1", about: str = "camt.056.001.09", times: int = 1
) -> bytes:
    """A pacs.002 on a stop order. `about`: the kind of the message that it names; `times`: how many answers it has."""
    header = "<GrpHdr><MsgId>S-1</MsgId><CreDtTm>2026-03-01T11:20:00+08:00</CreDtTm></GrpHdr>"
    named = f"<OrgnlMsgId>{case}</OrgnlMsgId>" if case else ""
    group = f"<OrgnlGrpInf>{named}<OrgnlMsgNmId>{about}</OrgnlMsgNmId></OrgnlGrpInf>" if case else ""
    one = f"<TxInfAndSts>{group}<OrgnlEndToEndId>E2E-1</OrgnlEndToEndId><TxSts>{status}</TxSts></TxInfAndSts>"
    return document("pacs.002.001.11", f"<FIToFIPmtStsRpt>{header}{one * times}</FIToFIPmtStsRpt>")


def returned(
    amount: str = "800.00", *, case: str | None = f"{'a' * 16}-1:stop.0:1", name: str = "E2E-1", times: int = 1
) -> bytes:
    """A pacs.004 on a stop order. `times`: how many returns it has."""
    header = (
        f"<GrpHdr><MsgId>R-1</MsgId><CreDtTm>2026-03-02T09:00:00+08:00</CreDtTm><NbOfTxs>{times}</NbOfTxs>"
        "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>"
    )
    named = f"<AddtlInf>{case}</AddtlInf>" if case else ""
    one = (
        f'<TxInf><OrgnlEndToEndId>{name}</OrgnlEndToEndId><RtrdIntrBkSttlmAmt Ccy="CNY">{amount}</RtrdIntrBkSttlmAmt>'
        f"<RtrRsnInf><Rsn><Cd>FOCR</Cd></Rsn>{named}</RtrRsnInf></TxInf>"
    )
    return document("pacs.004.001.10", f"<PmtRtr>{header}{one * times}</PmtRtr>")


def answer(
    status: str = "PDCR",
    reason: str = "HELD",
    amount: str | None = "800.00",
    *,
    case: str | None = f"{'a' * 16}-1:stop.0:1",
    name: str = "E2E-1",
    id_: str = "A-1",
    kind: str = "camt.029.001.10",
    times: int = 1,
) -> bytes:
    """A camt.029 on a stop order. `times`: how many answers it has."""
    centre = "<Pty><Nm>96110</Nm></Pty>"
    head = (
        f"<Assgnmt><Id>{id_}</Id><Assgnr>{bank('Agt', 'YYYYCNYY')}</Assgnr><Assgne>{centre}</Assgne>"
        f"<CreDtTm>2026-03-01T11:15:00+08:00</CreDtTm></Assgnmt><Sts><Conf>{status}</Conf></Sts>"
    )
    resolved = f"<RslvdCase><Id>{case}</Id><Cretr>{centre}</Cretr></RslvdCase>" if case else ""
    why = f"<CxlStsRsnInf><Rsn><Prtry>{reason}</Prtry></Rsn></CxlStsRsnInf>" if reason else ""
    money = f'<RsltnRltdInf><IntrBkSttlmAmt Ccy="CNY">{amount}</IntrBkSttlmAmt></RsltnRltdInf>' if amount else ""
    own = f"<TxCxlSts>{status}</TxCxlSts>" if status in ("ACCR", "RJCR", "PDCR") else ""
    one = f"<TxInfAndSts>{resolved}<OrgnlEndToEndId>{name}</OrgnlEndToEndId>{own}{why}{money}</TxInfAndSts>"
    return document(kind, f"<RsltnOfInvstgtn>{head}<CxlDtls>{one * times}</CxlDtls></RsltnOfInvstgtn>")
