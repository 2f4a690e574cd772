"""Routes of policy drafts: their pages, approval by a second person, previews, and the start of a shadow run."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who, whole_province
from console.web.auth.words import N_
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.filled import form_value, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import Services, services
from console.web.policies.forms import (
    MOST_REASON,
    compared,
    experiments_refused,
    live_text,
    reason_of,
    shown_lines,
    submitted,
    to_draft,
    what_holds,
)
from console.web.policies.policy_words import KEYS
from console.web.policies.preview import MOST_RESIDENTS, MOST_SECONDS, previews
from domain.policy import PolicyError, digest_of, faults_of
from domain.policy.experiments.publishing import ExperimentRefusedError
from schemas.administration.drafts import MOST_CHARACTERS, Draft, DraftState, InShadow
from schemas.casework.policies import InForce
from schemas.levels import GRAVEST_FIRST
from streams.operations import rules
from streams.repositories.tables import StaleDraftError
from streams.screening import shadow

door = Door("/policies")


@door.page("/drafts/{draft_id}", SUPERVISORS, name="policy-draft")
async def draft_page(request: Request, who: Signed, draft_id: str) -> Response:
    """Return the page of a draft: its errors, its differences from the policy in force, its preview and the possible
    acts.

    Raises NotFoundError if the person's area does not have the draft. PolicyError or OSError passes through if no
    policy was put in force yet and the settings' policy file cannot be read. Errors of Kafka and Redis pass through.
    """
    return await _draft(request, who, await _found(services(request), who, draft_id))


@door.act("/drafts/{draft_id}", SUPERVISORS, name="policy-draft-save")
async def save(request: Request, who: Signed, draft_id: str) -> Response:
    """Replace a draft's text and redirect to it; the person becomes one of its writers. An invalid policy is also
    stored.

    409 if the draft changed or was closed meanwhile, 422 for a text that is empty, too long or not UTF-8. Raises
    NotFoundError if the person's area does not have the draft. PolicyError or OSError passes through if no policy was
    put in force yet and the settings' policy file cannot be read. Errors of Kafka (such as TimeoutError and SendError)
    and Redis pass through.
    """
    made, form = services(request), await request.form()
    draft = await _found(made, who, draft_id)
    text, refused = await submitted(request, form)
    if refused:
        return await _draft(request, who, draft, 422, refused=refused, kept=text)
    if text == draft.text and who.login in draft.writers and draft.state is DraftState.OPEN:
        return to_draft(draft.id)
    writers = draft.writers if who.login in draft.writers else [*draft.writers, who.login]
    changed = {"text": text, "writers": writers, "note": form_value(form, "note")[:MOST_REASON]}
    try:
        await _put(made, who, draft, form, changed, "policy-draft-saved", digest_of(text))
    except StaleDraftError as error:
        return await _draft(request, who, error.now or draft, 409, refused=_changed(request), kept=text)
    return to_draft(draft.id)


@door.act("/drafts/{draft_id}/drop", SUPERVISORS, name="policy-draft-drop")
async def drop(request: Request, who: Signed, draft_id: str) -> Response:
    """Discard a draft and redirect to the policies. 409 if the draft changed or was closed meanwhile.

    Raises NotFoundError if the person's area does not have the draft. PolicyError or OSError passes through if no
    policy was put in force yet and the settings' policy file cannot be read. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made, form = services(request), await request.form()
    draft = await _found(made, who, draft_id)
    try:
        await _put(made, who, draft, form, {"state": DraftState.DROPPED}, "policy-draft-dropped")
    except StaleDraftError as error:
        return await _draft(request, who, error.now or draft, 409, refused=_changed(request))
    return RedirectResponse("/policies", 303)


@door.act("/drafts/{draft_id}/publish", SUPERVISORS, name="policy-draft-publish", steps_up=N_("发布策略"))
async def publish(request: Request, who: Signed, draft_id: str) -> Response:
    """Put a draft in force and redirect to the policies. 409 with the reason if this is refused, for example because
    the person is one of the draft's writers. 503 if Kafka does not answer in time: the page then says whether the
    policy is in force, and the form may be sent again.

    Raises NotFoundError if the person's area does not have the draft, and ForbiddenError for a person who is not
    responsible for the whole province. PolicyError or OSError passes through if no policy was put in force yet and the
    settings' policy file cannot be read. UnknownPolicyError or PolicyError passes through if the policy in force is
    lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, form = services(request), await request.form()
    draft = await _found(made, who, draft_id)
    if draft.state is DraftState.PUBLISHED:  # a repeated form
        return RedirectResponse("/policies", 303)
    whole_province(who)
    live, reason = await rules.standing(made.line), reason_of(form)
    if refused := _not_publishable(request, who, draft, live, form):
        return await _draft(request, who, draft, 409, refused=refused, reason=reason)
    digest = digest_of(draft.text)
    override = reason if digest in live.stopped else ""
    detail = f"draft {draft.id} by {', '.join(draft.writers)}"[:2000]
    try:
        await trail.write(made, who, "policy-approved", digest, reason, detail)
        if live.policy != digest:
            await rules.publish(made.line, draft.text, who.login, override, draft.writers)
        else:  # an earlier form was interrupted, perhaps when only the draft was left to write
            await rules.complete(made.line, who.login)
        with suppress(StaleDraftError):  # changed meanwhile: the approved text is in force, the later one stays a draft
            await _put(made, who, draft, form, {"state": DraftState.PUBLISHED, "policy": digest})
    except ExperimentRefusedError as error:
        return await _draft(request, who, draft, 409, refused=experiments_refused(request, error), reason=reason)
    except TimeoutError:
        refused = await what_holds(request, made, digest)
        return await _draft(request, who, draft, 503, refused=refused, reason=reason)
    return RedirectResponse("/policies", 303)


@door.page("/drafts/{draft_id}/preview", SUPERVISORS, name="policy-preview")
async def previewed(request: Request, who: Signed, draft_id: str) -> Response:
    """Return the progress and result of the preview, as an HTML fragment of the draft's page.

    Raises NotFoundError if the person's area does not have the draft. PolicyError or OSError passes through if no
    policy was put in force yet and the settings' policy file cannot be read. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    draft = await _found(made, who, draft_id)
    live = await live_text(made, await rules.standing(made.line))
    shown = previews(request).find(live, draft.text)
    return page(request, "policy_preview.html", draft=draft, preview=shown, levels=GRAVEST_FIRST)


@door.act("/drafts/{draft_id}/preview", SUPERVISORS, name="policy-preview-start")
async def preview(request: Request, who: Signed, draft_id: str) -> Response:
    """Start a preview of the draft on the last seven days and redirect to the draft. 422 if the draft is invalid, or
    the policy in force is invalid or lost.

    Raises NotFoundError if the person's area does not have the draft. Errors of Kafka (such as TimeoutError and
    SendError) and Redis pass through.
    """
    made = services(request)
    draft = await _found(made, who, draft_id)
    try:
        previews(request).start(await live_text(made, await rules.standing(made.line)), draft.text)
    except PolicyError:
        return await _draft(request, who, draft, 422)
    await trail.write(made, who, "policy-previewed", draft.id, detail=digest_of(draft.text))
    return RedirectResponse(f"/policies/drafts/{draft.id}#preview", 303)


@door.act("/drafts/{draft_id}/shadow", SUPERVISORS, name="policy-shadow")
async def shadowed(request: Request, who: Signed, draft_id: str) -> Response:
    """Start a shadow run and redirect to the policies: the draft is evaluated beside the policy in force, and nothing
    is sent. 422 if the draft is invalid.

    Raises NotFoundError if the person's area does not have the draft, and ForbiddenError for a person who is not
    responsible for the whole province. PolicyError or OSError passes through if no policy was put in force yet and the
    settings' policy file cannot be read. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    draft = await _found(made, who, draft_id)
    whole_province(who)
    if faults_of(draft.text):
        return await _draft(request, who, draft, 422)
    policy = await made.line.policies.publish(draft.text)  # stored under its hash, not in force
    await shadow.drop_counts(made.line.redis, made.line.settings.partitions)
    await trail.write(made, who, "policy-shadowed", policy.hash, detail=f"draft {draft.id}")
    await made.line.policies.store_in_shadow(InShadow(policy=policy.hash, since=made.line.clock.now(), by=who.login))
    return RedirectResponse("/policies#shadow", 303)


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
    current = await live_text(made, live)
    text = draft.text if kept is None else kept
    return page(
        request,
        "policy_draft.html",
        status,
        draft=draft,
        text=text,
        saved=text == draft.text,
        theirs=shown_lines(draft.text, text) if status == 409 and text != draft.text else [],
        faults=faults_of(text),
        digest=digest_of(draft.text),
        live=live,
        moved=draft.base != live.policy,
        stopped=live.stopped.get(digest_of(draft.text)),
        own_text=who.login in draft.writers,
        may=who.area == "",
        open=draft.state is DraftState.OPEN,
        preview=previews(request).find(current, draft.text),
        levels=GRAVEST_FIRST,
        preview_most=f"{MOST_RESIDENTS:,}",
        preview_seconds=round(MOST_SECONDS),
        refused=refused,
        reason=reason,
        keys=KEYS,
        form=new_form(),
        most=MOST_CHARACTERS,
        **compared(current, text),
    )


def _not_publishable(request: Request, who: Who, draft: Draft, live: InForce, form: FormData) -> str:
    """Return why this person cannot publish the draft, in words; "" if they can."""
    stopped = digest_of(draft.text) in live.stopped
    checks = (
        (draft.state is not DraftState.OPEN, "这份草稿已经结束。"),
        (form_value(form, "seen") != str(draft.version), "草稿已被他人修改，请重新查看后再决定。"),
        (who.login in draft.writers, "起草或修改过的人不能发布：请由另一人复核发布。"),
        (bool(faults_of(draft.text)), "策略有误，不能发布。"),
        (not reason_of(form), "请写明理由（至少两个字）。"),
        (stopped and not form.get("override"), "这份策略曾被熔断：确需发布，请勾选并写明理由。"),
    )
    return next((translate(request, words) for wrong, words in checks if wrong), "")


async def _found(made: Services, who: Who, draft_id: str) -> Draft:
    """Return a draft of the person's area. Raises NotFoundError if the area does not have it."""
    draft = await made.line.drafts.get(draft_id)
    if draft is None:
        raise NotFoundError
    who.require(draft.area)
    return draft


async def _put(
    made: Services,
    who: Who,
    draft: Draft,
    form: FormData,
    changed: Mapping[str, object],
    act: str = "",
    detail: str = "",
) -> None:
    """Write the next version of a draft, after the audit entry `act`; "": none, because the caller has written it.
    Raises StaleDraftError if the draft is closed, or has changed since it was shown.
    """
    seen = form_value(form, "seen")
    if draft.state is not DraftState.OPEN or seen != str(draft.version):
        raise StaleDraftError(draft)
    stamped = {"version": draft.version + 1, "at": made.line.clock.now(), "by": who.login}
    told = partial(trail.write, made, who, act, draft.id, detail=detail) if act else None
    await made.line.drafts.put(draft.model_copy(update=stamped | dict(changed)), told)


def _changed(request: Request) -> str:
    return translate(request, "草稿已被他人修改：下面是您的文本，以及与现存草稿的差异。")
