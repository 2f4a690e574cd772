"""A payment as a person reports it, whether or not a feed has delivered it."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.base import Model, Ref, legible
from schemas.people.residents import ReportSource

Line = Annotated[str, Field(max_length=128), AfterValidator(legible)]
"""A line that a person wrote; "" if it was not told."""


Reference = Annotated[str, Field(pattern=r"^[0-9A-Za-z._:-]{0,64}$")]
"""A payment's end-to-end id, as on a receipt; "" if it was not told. By it only a bank knows the payment."""


class PaidBy(StrEnum):
    """The means by which the victim paid: 银行转账, 第三方支付, POS 刷卡, 现金."""

    BANK_TRANSFER = "bank_transfer"
    THIRD_PARTY = "third_party"
    POS = "pos"
    CASH = "cash"


class ReportedPayment(Model):
    """A person's report of a payment and of the scammer. A text field is "" if the person did not say it.

    `report`: the id of the form. `told_in`: the call or visit in which the person told it (two equal payments told in
    one call are two payments). `from_bank`, `from_account`: the victim's. `holder`: the holder of the payee's account.
    `to_bank`: the payee's bank or payment institution as the person named it. `reference`: the payment's end-to-end id,
    as on a receipt. `scammer_phone`, `wechat`, `scam_link`: the scammer's.
    """

    source: ReportSource
    report: Ref
    told_in: Ref
    paid_by: PaidBy = PaidBy.BANK_TRANSFER
    from_bank: Line = ""
    from_account: Line = ""
    holder: Line = ""
    to_bank: Line = ""
    reference: Reference = ""
    scammer_phone: Line = ""
    wechat: Line = ""
    scam_link: Annotated[str, Field(max_length=300), AfterValidator(legible)] = ""
