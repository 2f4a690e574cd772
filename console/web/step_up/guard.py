"""The guard of grave acts: the form of such an act is answered with a page that asks for a proof, and sent again with
it.

The proof is valid for that form alone: a security key signs a challenge that is bound to the session, the address and
all fields; a code of the authenticator is used up.
"""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from console.web.auth import csrf, second_factor, trail
from console.web.auth.who import NotSignedInError, Who
from console.web.auth.words import N_, TOO_OFTEN
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.step_up import security_keys
from console.web.step_up.challenges import KeyRefusedError, Purpose, act_of_form
from domain.access.key_rings import KeyPurpose
from domain.access.step_up import Proof, SignedInBy, proofs_wanted
from schemas.administration.security_events import SecurityEventKind
from schemas.people.staff import Account

KEY, CODE = "step_up_key", "code"  # fields of the form that is sent again
NEEDED = 428  # precondition required
KEY_REFUSED = N_("安全密钥没有通过核验，或者用时太长。请再试一次。")
KEY_COPIED = N_("这个安全密钥可能被复制过，已拒绝。请改用验证器，并移除这个密钥、报告安全管理员。")
CODE_REFUSED = N_("验证码不对，或者已经用过。请等下一个验证码。")


@dataclass(frozen=True, slots=True)
class Asked:
    """A grave act that somebody wants to do. `words`: its Chinese name; `fields`: its form's fields, without the proof;
    `proofs`: the kinds of proof that the account can give; `party`: None if security keys cannot be used.
    """

    who: Who
    account: Account
    words: str
    act: str
    fields: list[tuple[str, str]]
    proofs: list[Proof]
    party: security_keys.RelyingParty | None

    @property
    def purpose(self) -> Purpose:
        """The purpose to which a challenge for this act is bound."""
        return Purpose(self.who.session, self.who.login, self.act)


class StepUpError(Exception):
    """A grave act needs a proof. `wrong`: why the given proof is refused, in Chinese; "" if none was given.

    `seconds`: how long to wait before the next try; 0: no wait.
    """

    def __init__(self, asked: Asked, status: int = NEEDED, wrong: str = "", seconds: int = 0) -> None:
        super().__init__(wrong)
        self.asked, self.status, self.wrong, self.seconds = asked, status, wrong, seconds


async def check_proof(request: Request, who: Who, words: str) -> None:
    """Check that the form of a grave act has a proof of the person's identity, and record the kind of proof in the
    audit.

    `words`: the act's Chinese name. Raises StepUpError if the proof is missing (428), wrong (401) or tried too often
    (429), NotSignedInError if the account or session is gone, NotFoundError if the account is deleted meanwhile,
    TimeoutError if Kafka does not answer in time, SendError if it refuses the audit entry for good, and
    UnreadableSecretError if no key opens the authenticator's secret. Errors of Kafka and Redis pass through. An account
    that can give no proof is not checked.
    """
    asked = await _asked(request, who, words)
    if not asked.proofs:
        return
    form = await request.form()
    if asked.party and Proof.KEY in asked.proofs and (answer := str(form.get(KEY, ""))):
        shown = await _by_key(request, asked, asked.party, answer)
    elif Proof.CODE in asked.proofs and (code := str(form.get(CODE, ""))):
        shown = await _by_code(request, asked, code)
    else:
        raise StepUpError(asked)
    await trail.write(services(request), who, "stepped-up", _address(request), detail=shown)


async def note_refused(request: Request, login: str, error: KeyRefusedError) -> str:
    """Record a security event for a refused key. Return the text for the person, in Chinese. Failures to record are
    logged and not raised.
    """
    kind = SecurityEventKind.KEY_CLONED if error.copied else SecurityEventKind.KEY_REFUSED
    await services(request).security.note(request, kind, login, f"{error.why} {_address(request)}")
    return KEY_COPIED if error.copied else KEY_REFUSED


async def step_up_page(request: Request, error: StepUpError) -> Response:
    """Return the page that asks for the proof and repeats the form's fields, with the error's status and, if there is a
    wait, Retry-After in seconds. Makes a challenge if a security key can be used, and stores it in Redis, whose errors
    pass through.
    """
    made, asked = services(request), error.asked
    options = ""
    if asked.party and Proof.KEY in asked.proofs:
        options = await security_keys.options_to_show(made, asked.party, asked.account, asked.purpose)
    answer = page(
        request,
        "step_up.html",
        error.status,
        words=asked.words,
        fields=asked.fields,
        proofs={each.value for each in asked.proofs},
        options=options,
        wrong=translate(request, error.wrong) if error.wrong else "",
    )
    if error.seconds:
        answer.headers["Retry-After"] = str(error.seconds)
    return answer


def _address(request: Request) -> str:
    """Return the request's path for records, with unprintable characters quoted, because a record refuses them."""
    return quote(request.scope["path"])[:128]


async def _asked(request: Request, who: Who, words: str) -> Asked:
    made = services(request)
    account, session = await made.staff.get(who.login), await made.sessions.stored(who.session)
    if account is None or session is None:
        raise NotSignedInError
    sent = (await request.form()).multi_items()
    hidden = (csrf.FIELD, KEY, CODE)
    fields = [(name, value) for name, value in sent if name not in hidden and not isinstance(value, UploadFile)]
    party = security_keys.relying_party(made.settings)
    age = timedelta(seconds=made.line.clock.wall.time() - session.began)
    proofs = proofs_wanted(account, party is not None, SignedInBy(session.how), age)
    return Asked(who, account, words, act_of_form(request.method, request.scope["path"], fields), fields, proofs, party)


async def _by_key(request: Request, asked: Asked, party: security_keys.RelyingParty, answer: str) -> str:
    """Check a security key's answer. Return the text that the audit stores. Raises StepUpError if the answer is
    refused.
    """
    made = services(request)
    try:
        key = await security_keys.check_key(made, party, asked.account, asked.purpose, answer)
    except KeyRefusedError as error:
        raise StepUpError(asked, 401, await note_refused(request, asked.who.login, error)) from None
    return f"security key {key.name}"


async def _by_code(request: Request, asked: Asked, code: str) -> str:
    """Check a code of the authenticator. Return the text that the audit stores. Raises StepUpError if the code is
    refused.
    """
    made, login = services(request), asked.who.login
    attempt = made.sign_in.lockout.attempt(request, "code", login)
    if seconds := await made.sign_in.lockout.wait(attempt):
        await made.security.locked_out(request, attempt)
        raise StepUpError(asked, 429, TOO_OFTEN, seconds)
    if not await _fits(made, asked.account, code):
        await made.sign_in.lockout.wrong(attempt)
        await made.security.note(request, SecurityEventKind.CODE_WRONG, login)
        raise StepUpError(asked, 401, CODE_REFUSED)
    await made.sign_in.lockout.right(attempt)
    return "authenticator"


async def _fits(made: Services, account: Account, code: str) -> bool:
    secret = second_factor.opened(made.keys(KeyPurpose.SECOND_FACTOR), account.totp or "")
    return await second_factor.shown(made.line.redis, account.login, secret, code, made.line.clock.wall.time())
