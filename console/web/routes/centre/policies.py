"""Routes of policies: the policy in force, new drafts, the end of a shadow run, rollback, earlier versions."""

from contextlib import suppress
from functools import partial

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed, Who, whole_province
from console.web.auth.words import N_
from console.web.kit.door import SUPERVISORS, Door
from console.web.kit.filled import form_value, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.policies.forms import (
    MOST_REASON,
    compared,
    experiments_refused,
    live_text,
    partition_policies,
    reason_of,
    submitted,
    to_draft,
    what_holds,
)
from console.web.policies.policy_words import KEYS
from domain.ids import short_hash
from domain.policy import digest_of, faults_of, versions
from domain.policy.experiments.publishing import ExperimentRefusedError
from schemas.administration.drafts import MOST_CHARACTERS, Draft, DraftState, InShadow
from streams.operations import rules
from streams.repositories.tables import StaleDraftError
from streams.screening import shadow

door = Door("/policies")

APPROVED_BEFORE = "approved before"  # stands for the second person who approved an earlier policy


@door.page("", SUPERVISORS, name="policies")
async def listed(request: Request, who: Signed) -> Response:
    """Return the page with the policy in force, its predecessors, the drafts, and the result of the shadow run.
    PolicyError or OSError passes through if no policy was put in force yet and the settings' policy file cannot be
    read. Errors of Kafka and Redis pass through.
    """
    return await _listed(request, who)


@door.act("/drafts", SUPERVISORS, name="policy-draft-new")
async def begin(request: Request, who: Signed) -> Response:
    """Make a draft from a file or typed text and redirect to it. An invalid policy is accepted, and its page shows the
    errors. 422 for a text that is empty, too long or not UTF-8. PolicyError or OSError passes through if no policy was
    put in force yet and the settings' policy file cannot be read. Errors of Kafka (such as TimeoutError and SendError)
    and Redis pass through.
    """
    made, form = services(request), await request.form()
    text, refused = await submitted(request, form)
    if refused:
        return await _listed(request, who, 422, refused=refused, kept=text)
    live = await rules.standing(made.line)
    draft = Draft(
        id=short_hash("draft", who.login, form_value(form, "form")),
        area=who.area,
        text=text,
        base=live.policy,
        at=made.line.clock.now(),
        by=who.login,
        writers=[who.login],
        note=form_value(form, "note")[:MOST_REASON],
    )
    told = partial(trail.write, made, who, "policy-drafted", draft.id, detail=digest_of(text))
    with suppress(StaleDraftError):  # the form was sent again after the draft had changed
        await made.line.drafts.put(draft, told)
    return to_draft(draft.id)


@door.act("/shadow/end", SUPERVISORS, name="policy-shadow-end")
async def end_shadow(request: Request, who: Signed) -> Response:
    """End the shadow run, if one is running, and redirect to the policies.

    Raises ForbiddenError for a person who is not responsible for the whole province. TimeoutError and SendError of
    Kafka, and errors of Redis, pass through.
    """
    made = services(request)
    whole_province(who)
    standing = await made.line.policies.in_shadow()
    if standing and standing.policy:
        await trail.write(made, who, "policy-shadow-ended", standing.policy)
        await made.line.policies.store_in_shadow(InShadow(policy=None, since=made.line.clock.now(), by=who.login))
    return RedirectResponse("/policies#shadow", 303)


@door.act("/back", SUPERVISORS, name="policy-back", steps_up=N_("恢复以前的策略"))
async def back(request: Request, who: Signed) -> Response:
    """Put the previous policy in force again, with a reason, and redirect to the policies. One person is enough,
    because the policy was approved before.

    A form that is sent again after it was interrupted puts the policy in force in the partitions that lack it. 503 if
    Kafka does not answer in time: the page then says whether the policy is in force.

    409 if another policy has come into force since the page was loaded or no previous policy exists, 422 without a
    reason, 409 too if its experiments may not start again. Raises UnknownPolicyError (503) if the previous policy's
    text is lost, and ForbiddenError for a person who is not responsible for the whole province. PolicyError or OSError
    passes through if no policy was put in force yet and the settings' policy file cannot be read. Errors of Kafka (such
    as TimeoutError and SendError) and Redis pass through.
    """
    made, form = services(request), await request.form()
    whole_province(who)
    live, reason = await rules.standing(made.line), reason_of(form)
    before = versions.before(live)
    if form_value(form, "to") == live.policy:  # the form was sent again, or comes from the page of an interrupted act
        return await _completed(request, who, live.policy)
    if form_value(form, "seen") != live.policy or before is None:
        refused = translate(request, "现行策略已经变了，请重新查看。")
        return await _listed(request, who, 409, refused=refused, reason=reason)
    if not reason:
        return await _listed(request, who, 422, refused=translate(request, "请写明理由（至少两个字）。"))
    text = await made.line.policies.text(before.policy)
    try:
        await trail.write(made, who, "policy-taken-back", live.policy, reason, f"back to {before.policy}")
        await rules.publish(made.line, text, who.login, others=[APPROVED_BEFORE])
    except ExperimentRefusedError as error:
        return await _listed(request, who, 409, refused=experiments_refused(request, error), reason=reason)
    except TimeoutError:
        refused = await what_holds(request, made, before.policy)
        return await _listed(request, who, 503, refused=refused, reason=reason)
    return RedirectResponse("/policies", 303)


@door.page("/versions/{digest}", SUPERVISORS, name="policy-version")
async def version(request: Request, who: Signed, digest: str) -> Response:
    """Return the page with a stored policy's text and its differences from the policy in force.

    Raises NotFoundError if the policy is unknown. `digest`: the policy's hash. PolicyError or OSError passes through if
    no policy was put in force yet and the settings' policy file cannot be read. UnknownPolicyError or PolicyError
    passes through if the policy in force is lost or invalid. Errors of Kafka and Redis pass through.
    """
    made = services(request)
    if digest not in await made.line.policies.known():
        raise NotFoundError
    text, standing = await made.line.policies.text(digest), await rules.standing(made.line)
    return page(
        request,
        "policy_version.html",
        digest=digest,
        text=text,
        standing=standing,
        **compared(await live_text(made, standing), text),
    )


async def _completed(request: Request, who: Who, policy: str) -> Response:
    made = services(request)
    try:
        await rules.complete(made.line, who.login)
    except TimeoutError:
        return await _listed(request, who, 503, refused=await what_holds(request, made, policy))
    return RedirectResponse("/policies", 303)


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
        partitions=await partition_policies(made),
        before=versions.before(standing),
        drafts=drafts,
        faulty={each.id for each in drafts if each.state is DraftState.OPEN and faults_of(each.text)},
        in_shadow=in_shadow,
        counts=await shadow.counts(line.redis, beside) if beside else [],
        may=who.area == "",
        text=kept if kept is not None else await live_text(made, standing),
        refused=refused,
        reason=reason,
        keys=KEYS,
        form=new_form(),
        most=MOST_CHARACTERS,
    )
