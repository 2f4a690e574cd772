"""Codes of third parties in the desk's call, of its transfer, and why one is refused. None of them has a name or a
number: only the code of a bank, the place of a contact in the register, the id of an officer, or a login.
"""

from typing import ClassVar

from schemas.casework.third_parties import EmergencyGround, ThirdPartyCallState, ThirdPartyKind
from schemas.codes.base import Code


class ThirdPartyConsent(Code, frozen=True):
    """The resident has consented, in the call with the operator `by`, that a third party joins."""

    zh: ClassVar = "%(by)s 记录：当事人同意%(kind)s（%(party)s）加入通话"
    by: str
    kind: ThirdPartyKind
    party: str


class ThirdPartyEmergency(Code, frozen=True):
    """A supervisor admits a third party without the resident's consent, on the ground `emergency`."""

    zh: ClassVar = "值班长 %(by)s 以紧急情形（%(emergency)s）准许%(kind)s（%(party)s）加入通话"
    by: str
    emergency: EmergencyGround
    kind: ThirdPartyKind
    party: str


class ThirdPartyCalled(Code, frozen=True):
    """What became of a third party who was called into the talk."""

    zh: ClassVar = "三方通话：%(kind)s（%(party)s）%(state)s"
    kind: ThirdPartyKind
    party: str
    state: ThirdPartyCallState


class CallHandedOver(Code, frozen=True):
    """An operator transfers the call to a colleague."""

    zh: ClassVar = "%(by)s 把通话转给 %(to)s"
    by: str
    to: str


class HandOverOnlyInCall(Code, frozen=True):
    """Only the operator in the call may transfer it, to somebody else."""

    zh: ClassVar = "只有正在通话的坐席可以转接通话"


class ThirdPartyOnlyInCall(Code, frozen=True):
    """A third party is admitted to a talk that goes on, not beforehand."""

    zh: ClassVar = "只能在通话中准许第三方加入"


class ConsentNotHeard(Code, frozen=True):
    """Only the operator in the call has heard the resident consent."""

    zh: ClassVar = "当事人的同意须由正在通话的坐席记录"


class MayNotAdmit(Code, frozen=True):
    """Only a supervisor may admit a third party without the resident's consent."""

    zh: ClassVar = "没有当事人的同意，只有值班长可以准许第三方加入"


class MostThirdParties(Code, frozen=True):
    """As many third parties as possible are admitted to this call."""

    zh: ClassVar = "本次通话已准许 %(most)s 个第三方，不能再加"
    most: int


ThirdPartyRefusal = HandOverOnlyInCall | ThirdPartyOnlyInCall | ConsentNotHeard | MayNotAdmit | MostThirdParties
"""Why a third party is not admitted, or a call not handed over."""
ThirdPartyCode = CallHandedOver | ThirdPartyConsent | ThirdPartyEmergency | ThirdPartyCalled
"""What happens with a third party in the desk's call."""
