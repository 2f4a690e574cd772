"""Routes of randomised experiments: the plans of the policy in force, what their outcomes show, and the stop of one."""

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
from console.web.policies.forms import MOST_REASON, experiments_refused, reason_of
from domain.policy.experiments.publishing import ExperimentRefusedError
from schemas.administration.experiments import Finding
from schemas.people.staff import StaffRole
from streams.casework.experiment_watch import stored_readings
from streams.operations.rules import NotRunningError, stop_experiment

door = Door("/experiments")
ROLES = frozenset({StaffRole.SUPERVISOR, StaffRole.AUDITOR})

FINDINGS = {
    Finding.HARM: N_("有害：计入的转出更多，已按规则停止"),
    Finding.NOT_DECIDABLE: N_("仅凭此项结果无法判断：计入的转出更少"),
    Finding.WORSE: N_("不利：计入的转出更多"),
    Finding.TOO_SMALL: N_("计入的转出差别小于方案所定的最小效应"),
    Finding.OPEN: N_("尚无结论"),
    Finding.UNDECIDED: N_("到期未得出结论"),
}


@door.page("", ROLES, name="experiments")
async def listed(request: Request, who: Signed) -> Response:
    """Return the page with the experiments of the policy in force and their latest readings.

    Raises ForbiddenError for a person who is not responsible for the whole province. UnknownPolicyError or PolicyError
    passes through if the policy in force is lost or invalid. Errors of Kafka and Redis pass through.
    """
    whole_province(who)
    return await _listed(request, who)


@door.act("/{name}/stop", SUPERVISORS, name="experiment-stop")
async def stop(request: Request, who: Signed, name: str) -> Response:
    """Stop an experiment, with a reason, and redirect to the experiments. One person is enough. It cannot go on later.
    Does nothing if it was stopped meanwhile.

    422 without a reason; 409 if no line of the policy's text can stop it. Raises NotFoundError if the policy in force
    has no such experiment, and ForbiddenError for a person who is not responsible for the whole province.
    UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka (such as
    TimeoutError and SendError) and Redis pass through.
    """
    made, form = services(request), await request.form()
    whole_province(who)
    plan = (await made.line.policies.live()).experiments.get(name)
    if plan is None:
        raise NotFoundError
    reason = reason_of(form)
    if not reason:
        return await _listed(request, who, 422, refused=translate(request, "请写明理由（至少两个字）。"), named=name)
    if not plan.stopped and form_value(form, "seen") == name:
        # The audit entry comes second: it says that this person stopped the experiment, and of two at once only one
        # does. The stop is never without an entry, because the new policy has its own, with the login and the reason.
        try:
            await stop_experiment(made.line, name, who.login, reason)
        except NotRunningError:
            pass  # stopped meanwhile
        except ExperimentRefusedError as error:
            return await _listed(request, who, 409, refused=experiments_refused(request, error), named=name)
        else:
            await trail.write(made, who, "experiment-stopped", name, reason)
    return RedirectResponse("/experiments", 303)


async def _listed(request: Request, who: Who, status: int = 200, *, refused: str = "", named: str = "") -> Response:
    made = services(request)
    policy = await made.line.policies.live()
    return page(
        request,
        "experiments.html",
        status,
        experiments=policy.experiments,
        readings=await stored_readings(made.line.redis),
        now=made.line.clock.now(),
        findings=FINDINGS,
        may_stop=who.role is StaffRole.SUPERVISOR,
        refused=refused,
        named=named,
        most=MOST_REASON,
        form=new_form(),
    )
