"""The protocols that carriers speak, and what an account of China Mobile's has to state in each message."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.base import Model

CMPP_SOURCE = 6  # octets of Source_Addr and Msg_src: the number of the company (SP_Id)


class CarrierProtocol(StrEnum):
    """How a carrier is spoken to: SMPP 3.4, or CMPP (China Mobile Point to Point) in version 2.0 or 3.0."""

    SMPP = "smpp"
    CMPP2 = "cmpp2"
    CMPP3 = "cmpp3"


class CmppTerms(Model):
    """The fields of CMPP_SUBMIT that an account's contract fixes (CMPP 3.0, 7.4.2.1), under the specification's names.

    `msg_src`: empty for the account's own number; `fee_user_type`: who pays, 2: the sender; `national_numbers`: +86
    numbers without the 86; `gbk`: Chinese texts in GBK and not in UCS-2; `proves_itself`: whether the carrier's answer
    to the login has to prove that it knows the password.
    """

    service_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{0,10}$")] = ""
    msg_src: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{0,6}$")] = ""
    msg_level: Annotated[int, Field(strict=True, ge=0, le=9)] = 9
    fee_user_type: Annotated[int, Field(strict=True, ge=0, le=3)] = 2
    fee_terminal_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,21}$")] = ""
    fee_type: Annotated[str, StringConstraints(pattern=r"^0[1-5]$")] = "01"
    fee_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")] = "000000"
    national_numbers: bool = True
    gbk: bool = False
    proves_itself: bool = True
