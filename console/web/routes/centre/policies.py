"""Routes of policies: the one in force, drafts and their approval by a second person, previews, shadow runs,
rollback.
"""

import secrets
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import ForbiddenError, NotFoundError, Signed, Who
from console.web.kit.door import Door
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.policies.policy_words import ABOUT, KEYS, PARTS
from console.web.policies.preview import MOST_RESIDENTS, MOST_SECONDS, previews
from domain.ids import short_hash
from domain.policy import PolicyError, difference, digest_of, faults_of, load, versions
from schemas.administration.drafts import MOST_CHARACTERS, Draft, DraftState, InShadow
from schemas.base import legible
from schemas.casework.policies import InForce
from schemas.levels import GRAVEST_FIRST
from schemas.people.staff import StaffRole
from streams.operations import rules
from streams.repositories.policies import UnknownPolicyError
from streams.repositories.tables import StaleDraftError
from streams.screening import shadow
from streams.state.keys import key

door = Door("/policies")
SUPERVISORS = frozenset({StaffRole.SUPERVISOR})
MOST_REASON = 500
LEVELS = GRAVEST_FIRST  # the order of columns
MOST_LINES = 2_000  # lines shown of a comparison


@door.page("", SUPERVISORS, name="policies")
async def listed(request: Request, who: Signed) -> Response:
    """The page with the policy in force, its predecessors, the drafts, and the result of the shadow run."""
    return await _listed(request, who)


@door.act("/drafts", SUPERVISORS, name="policy-draft-new")
async def begin(request: Request, who: Signed) -> Response:
    """Make a draft from a file or typed text and redirect to it; an invalid policy is accepted and its page shows the
    errors. 422 for a text that is empty, too long or not UTF-8.
    """
    made, form = services(request), await request.form()
    text, refused = await _text(request, form)
    if refused:
        return await _listed(request, who, 422, refused=refused, kept=text)
    live = await rules.standing(made.line)
    draft = Draft(
        id=short_hash("draft", who.login, _said(form, "form")),
        area=who.area,
        text=text,
        base=live.policy,
        at=made.line.clock.now(),
        by=who.login,
        writers=[who.login],
        note=_said(form, "note")[:MOST_REASON],
    )
    try:
        await made.line.drafts.put(draft)
    except StaleDraftError:  # the form was sent again after the draft had changed
        return _to(draft.id)
    await trail.write(made, who, "policy-drafted", draft.id, detail=digest_of(text))
    return _to(draft.id)


@door.page("/drafts/{draft_id}", SUPERVISORS, name="policy-draft")
async def draft_page(request: Request, who: Signed, draft_id: str) -> Response:
    """A draft's page: its errors, its differences, its preview and the possible acts.

    Raises NotFoundError if there is no such draft.
    """
    return await _draft(request, who, await _found(services(request), who, draft_id))


@door.act("/drafts/{draft_id}", SUPERVISORS, name="policy-draft-save")
async def save(request: Request, who: Signed, draft_id: str) -> Response:
    """Replace a draft's text and redirect to it; the person becomes one of its writers. An invalid policy is kept too.

    409 if it changed or was closed meanwhile, 422 for a text that is empty, too long or not UTF-8. Raises NotFoundError
    if there is no such draft.
    """
    made, form = services(request), await request.form()
    draft = await _found(made, who, draft_id)
    text, refused = await _text(request, form)
    if refused:
        return await _draft(request, who, draft, 422, refused=refused, kept=text)
    if text == draft.text and who.login in draft.writers and draft.state is DraftState.OPEN:
        return _to(draft.id)
    writers = draft.writers if who.login in draft.writers else [*draft.writers, who.login]
    changed = {"text": text, "writers": writers, "note": _said(form, "note")[:MOST_REASON]}
    try:
        await _put(made, who, draft, form, changed)
    except StaleDraftError as error:
        return await _draft(request, who, error.now or draft, 409, refused=_changed(request), kept=text)
    await trail.write(made, who, "policy-draft-saved", draft.id, detail=digest_of(text))
    return _to(draft.id)


@door.act("/drafts/{draft_id}/drop", SUPERVISORS, name="policy-draft-drop")
async def drop(request: Request, who: Signed, draft_id: str) -> Response:
    """Discard a draft and redirect to the policies. 409 if it changed or was closed meanwhile.

    Raises NotFoundError if there is no such draft.
    """
    made, form = services(request), await request.form()
    draft = await _found(made, who, draft_id)
    try:
        await _put(made, who, draft, form, {"state": DraftState.DROPPED})
    except StaleDraftError as error:
        return await _draft(request, who, error.now or draft, 409, refused=_changed(request))
    await trail.write(made, who, "policy-draft-dropped", draft.id)
    return RedirectResponse("/policies", 303)


@door.act("/drafts/{draft_id}/publish", SUPERVISORS, name="policy-draft-publish")
async def publish(request: Request, who: Signed, draft_id: str) -> Response:
    """Put a draft in force and redirect to the policies. The person must not be one of its writers; 409 with the reason
    if it is refused.

    Raises NotFoundError if there is no such draft, and ForbiddenError for a person who is not responsible for the whole
    province.
    """
    made, form = services(request), await request.form()
    draft = await _found(made, who, draft_id)
    if draft.state is DraftState.PUBLISHED:  # a repeated form
        return RedirectResponse("/policies", 303)
    _whole_province(who)
    live, reason = await rules.standing(made.line), _reason(form)
    if refused := _not_publishable(request, who, draft, live, form):
        return await _draft(request, who, draft, 409, refused=refused, reason=reason)
    digest = digest_of(draft.text)
    override = reason if digest in live.stopped else ""
    detail = f"draft {draft.id} by {', '.join(draft.writers)}"[:2000]
    await trail.write(made, who, "policy-approved", digest, reason, detail)
    if live.policy != digest or set(await _by_partition(made)) != {digest}:  # else only the draft is left to write
        await rules.publish(made.line, draft.text, who.login, override)
    with suppress(StaleDraftError):  # changed meanwhile: the approved text is in force, the later one stays a draft
        await _put(made, who, draft, form, {"state": DraftState.PUBLISHED, "policy": digest})
    return RedirectResponse("/policies", 303)


@door.page("/drafts/{draft_id}/preview", SUPERVISORS, name="policy-preview")
async def previewed(request: Request, who: Signed, draft_id: str) -> Response:
    """The preview's progress and result, an HTML fragment of the draft's page.

    Raises NotFoundError if there is no such draft.
    """
    made = services(request)
    draft = await _found(made, who, draft_id)
    live = await _live_text(made)
    shown = previews(request).find(live, draft.text)
    return page(request, "policy_preview.html", draft=draft, preview=shown, levels=LEVELS)


@door.act("/drafts/{draft_id}/preview", SUPERVISORS, name="policy-preview-start")
async def preview(request: Request, who: Signed, draft_id: str) -> Response:
    """Start a preview of the draft on the last seven days and redirect to the draft; 422 if the draft is invalid.

    Raises NotFoundError if there is no such draft.
    """
    made = services(request)
    draft = await _found(made, who, draft_id)
    try:
        previews(request).start(await _live_text(made), draft.text)
    except PolicyError:
        return await _draft(request, who, draft, 422)
    await trail.write(made, who, "policy-previewed", draft.id, detail=digest_of(draft.text))
    return RedirectResponse(f"/policies/drafts/{draft.id}#preview", 303)


@door.act("/drafts/{draft_id}/shadow", SUPERVISORS, name="policy-shadow")
async def shadowed(request: Request, who: Signed, draft_id: str) -> Response:
    """Start a shadow run and redirect to the policies: the draft is evaluated beside the policy in force, without
    sending anything. 422 if it is invalid.

    Raises NotFoundError if there is no such draft, and ForbiddenError for a person who is not responsible for the whole
    province.
    """
    made = services(request)
    draft = await _found(made, who, draft_id)
    _whole_province(who)
    if faults_of(draft.text):
        return await _draft(request, who, draft, 422)
    policy = await made.line.policies.publish(draft.text)  # stored under its hash, not in force
    await shadow.drop_counts(made.line.redis, made.line.settings.partitions)
    await trail.write(made, who, "policy-shadowed", policy.hash, detail=f"draft {draft.id}")
    await made.line.policies.shadow(InShadow(policy=policy.hash, since=made.line.clock.now(), by=who.login))
    return RedirectResponse("/policies#shadow", 303)


@door.act("/shadow/end", SUPERVISORS, name="policy-shadow-end")
async def end_shadow(request: Request, who: Signed) -> Response:
    """End the shadow run, if there is one, and redirect to the policies.

    Raises ForbiddenError for a person who is not responsible for the whole province.
    """
    made = services(request)
    _whole_province(who)
    standing = await made.line.policies.in_shadow()
    if standing and standing.policy:
        await trail.write(made, who, "policy-shadow-ended", standing.policy)
        await made.line.policies.shadow(InShadow(policy=None, since=made.line.clock.now(), by=who.login))
    return RedirectResponse("/policies#shadow", 303)


@door.act("/back", SUPERVISORS, name="policy-back")
async def back(request: Request, who: Signed) -> Response:
    """Put the previous policy in force again, with a reason, and redirect to the policies. It was approved before, so
    one person is enough.

    409 if another policy is in force by now or there is no previous one, 422 without a reason. Raises ForbiddenError
    for a person who is not responsible for the whole province.
    """
    made, form = services(request), await request.form()
    _whole_province(who)
    live, reason = await rules.standing(made.line), _reason(form)
    before = versions.before(live)
    if _said(form, "seen") != live.policy or before is None:
        refused = translate(request, "现行策略已经变了，请重新查看。")
        return await _listed(request, who, 409, refused=refused, reason=reason)
    if not reason:
        return await _listed(request, who, 422, refused=translate(request, "请写明理由（至少两个字）。"))
    await trail.write(made, who, "policy-taken-back", live.policy, reason, f"back to {before.policy}")
    await rules.publish(made.line, await made.line.policies.text(before.policy), who.login)
    return RedirectResponse("/policies", 303)


@door.page("/versions/{digest}", SUPERVISORS, name="policy-version")
async def version(request: Request, who: Signed, digest: str) -> Response:
    """The page with a stored policy's text and its differences from the one in force.

    Raises NotFoundError if it is unknown. `digest`: the policy's hash.
    """
    made = services(request)
    if digest not in await made.line.policies.known():
        raise NotFoundError
    text, live = await made.line.policies.text(digest), await _live_text(made)
    return page(
        request,
        "policy_version.html",
        digest=digest,
        text=text,
        standing=await rules.standing(made.line),
        **_compared(live, text),
    )


async def _listed(
    request: Request, who: Who, status: int = 200, *, refused: str = "", kept: str | None = None, reason: str = ""
) -> Response:
    made = services(request)
    line = made.line
    standing = await rules.standing(line)
    in_shadow = await line.policies.in_shadow()
    beside = in_shadow.policy if in_shadow else None
    shown = [each.policy for each in versions.history(standing)]
    drafts = [each for each in await line.drafts.all() if who.sees(each.area)]
    return page(
        request,
        "policies.html",
        status,
        standing=standing,
        history=list(versions.history(standing)),
        others=[name for name in await line.policies.known() if name not in shown],
        partitions=await _by_partition(made),
        before=versions.before(standing),
        drafts=drafts,
        faulty={each.id for each in drafts if each.state is DraftState.OPEN and faults_of(each.text)},
        in_shadow=in_shadow,
        counts=await shadow.counts(line.redis, beside) if beside else [],
        may=who.area == "",
        text=kept if kept is not None else await _live_text(made),
        refused=refused,
        reason=reason,
        keys=KEYS,
        form=_new_form(),
        most=MOST_CHARACTERS,
    )


async def _draft(
    request: Request,
    who: Who,
    draft: Draft,
    status: int = 200,
    *,
    refused: str = "",
    kept: str | None = None,
    reason: str = "",
) -> Response:
    made = services(request)
    live = await rules.standing(made.line)
    live_text = await _live_text(made)
    text = draft.text if kept is None else kept
    return page(
        request,
        "policy_draft.html",
        status,
        draft=draft,
        text=text,
        saved=text == draft.text,
        theirs=_lines(draft.text, text) if status == 409 and text != draft.text else [],
        faults=faults_of(text),
        digest=digest_of(draft.text),
        live=live,
        moved=draft.base != live.policy,
        stopped=live.stopped.get(digest_of(draft.text)),
        own_text=who.login in draft.writers,
        may=who.area == "",
        open=draft.state is DraftState.OPEN,
        preview=previews(request).find(live_text, draft.text),
        levels=LEVELS,
        preview_most=f"{MOST_RESIDENTS:,}",
        preview_seconds=round(MOST_SECONDS),
        refused=refused,
        reason=reason,
        keys=KEYS,
        form=_new_form(),
        most=MOST_CHARACTERS,
        **_compared(live_text, text),
    )


def _compared(live: str, text: str) -> dict[str, Any]:
    """Return the comparison with the policy in force: lines always, values if both texts are readable."""
    try:
        load(text)
        changed = difference.changes(live, text)
    except (PolicyError, tomllib.TOMLDecodeError, RecursionError):
        changed = []
    return {"lines": _lines(live, text), "changes": changed, "about": ABOUT, "parts_of": PARTS}


def _lines(before: str, after: str) -> list[difference.Line]:
    return difference.lines(before, after)[:MOST_LINES]


def _not_publishable(request: Request, who: Who, draft: Draft, live: InForce, form: FormData) -> str:
    """Return why this person cannot publish the draft, in words; "" if they can."""
    stopped = digest_of(draft.text) in live.stopped
    checks = (
        (draft.state is not DraftState.OPEN, "这份草稿已经结束。"),
        (_said(form, "seen") != str(draft.version), "草稿已被他人修改，请重新查看后再决定。"),
        (who.login in draft.writers, "起草或修改过的人不能发布：请由另一人复核发布。"),
        (bool(faults_of(draft.text)), "策略有误，不能发布。"),
        (not _reason(form), "请写明理由（至少两个字）。"),
        (stopped and not form.get("override"), "这份策略曾被熔断：确需发布，请勾选并写明理由。"),
    )
    return next((translate(request, words) for wrong, words in checks if wrong), "")


def _whole_province(who: Who) -> None:
    """Raise ForbiddenError if the person is responsible for a part of the province only: a policy applies
    everywhere.
    """
    if who.area:
        raise ForbiddenError


async def _found(made: Services, who: Who, draft_id: str) -> Draft:
    """Return a draft of the person's area. Raises NotFoundError if there is none."""
    draft = await made.line.drafts.get(draft_id)
    if draft is None or not who.sees(draft.area):
        raise NotFoundError
    return draft


async def _put(made: Services, who: Who, draft: Draft, form: FormData, changed: Mapping[str, object]) -> None:
    """Write a draft's next version. Raises StaleDraftError if it is closed or not the version that was shown."""
    seen = _said(form, "seen")
    if draft.state is not DraftState.OPEN or seen != str(draft.version):
        raise StaleDraftError(draft)
    stamped = {"version": draft.version + 1, "at": made.line.clock.now(), "by": who.login}
    await made.line.drafts.put(draft.model_copy(update=stamped | dict(changed)))


async def _text(request: Request, form: FormData) -> tuple[str, str]:
    """Return the submitted policy text (a file before typed text), and why it is refused, or ""."""
    given = form.get("file")
    typed = _said(form, "text").replace("\r\n", "\n")  # as browsers send it
    if isinstance(given, UploadFile) and given.filename:
        raw = await given.read(4 * MOST_CHARACTERS + 1)
        try:
            typed = raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            return typed, translate(request, "文件不是 UTF-8 编码，第 {at} 个字节有误。").format(at=error.start + 1)
    if len(typed) > MOST_CHARACTERS:
        return typed[:MOST_CHARACTERS], translate(request, "策略过长，最多 {most} 字。").format(most=MOST_CHARACTERS)
    return typed, "" if typed.strip() else translate(request, "没有内容：请选择文件或填写策略。")


async def _live_text(made: Services) -> str:
    """Return the text of the policy in force; "" if it is not stored."""
    try:
        return await made.line.policies.text((await rules.standing(made.line)).policy)
    except UnknownPolicyError:
        return ""


async def _by_partition(made: Services) -> list[str]:
    """Return the hash of the policy of each partition; "" if it is unknown."""
    async with made.line.redis.pipeline(transaction=False) as pipe:
        for partition in range(made.line.settings.partitions):
            pipe.hget(key("state", partition), "policy")
        return [raw.decode() if raw else "" for raw in await pipe.execute()]


def _changed(request: Request) -> str:
    return translate(request, "草稿已被他人修改：下面是您的文本，以及与现存草稿的差异。")


def _said(form: FormData, name: str) -> str:
    given = form.get(name)
    return given if isinstance(given, str) else ""


def _reason(form: FormData) -> str:
    """Return the reason; "" if it has fewer than two characters."""
    words = legible(_said(form, "reason")).strip()[:MOST_REASON]
    return words if len(words) >= 2 else ""


def _to(draft_id: str) -> Response:
    return RedirectResponse(f"/policies/drafts/{draft_id}", 303)


def _new_form() -> str:
    return secrets.token_hex(10)
