"""Routes of hand-overs: the desk offers a case to another province, and a supervisor ends this province's part of a
case that both handle.
"""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import Signed, Who
from console.web.auth.words import N_
from console.web.case import acts, answers
from console.web.case.acting import acted
from console.web.case.answers import Answered
from console.web.kit.door import DESK, SUPERVISORS, Door
from console.web.kit.filled import Filled, filled, new_form
from console.web.kit.i18n import translate
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.kit.wording import say
from console.web.routes.money.messages import not_done
from domain.casework.provinces.records import (
    also_there,
    crossed_offer,
    late_offer,
    offer_of,
    offer_waiting,
    risen_since,
    stuck_offer,
    suggested_province,
)
from domain.desk.case_numbers import key_of, number_of
from domain.policy.approval import HandoverRules
from schemas.casework.cases import Case
from schemas.casework.provinces import MOST_OFFERS, EndHereAct, OfferCaseAct, ProvinceGround
from schemas.codes.provinces import NotBoth, OtherKnowsLess
from schemas.people.staff import StaffRole

door = Door("/cases")
_INCOMPLETE = N_("请选择省份和移交理由。")


@door.page("/{case_id}/province", DESK, name="case-province")
async def show(request: Request, who: Signed, case_id: str) -> Response:
    """Return the page of a case's hand-overs, to and from other provinces, with the form that offers it if the policy
    lets the person. An audit entry of the look is written first. Raises NotFoundError if the person's area does not
    have the case. UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of
    Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    case = await acts.found(made, who, case_id)
    await trail.record_look(made, who, "case", case.id)
    return await _page(request, who, case)


@door.act("/{case_id}/province", DESK, name="case-province-offer", steps_up=N_("向外省移交预警"))
async def offer(request: Request, who: Signed, case_id: str) -> Response:
    """Offer the case to another province and redirect to its page. 422 without a province of the policy or a ground,
    409 if the case refuses it, 202 if the case has not answered, 400 (HTTPException) if the form has no id. Raises
    NotFoundError if the person's area does not have the case. UnknownPolicyError or PolicyError passes through if the
    policy in force is lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await filled(request)
    case = await acts.found(made, who, case_id)
    rules = (await made.line.policies.live()).handover
    ground = next((each for each in ProvinceGround if each.value == given["ground"]), None)
    if rules is None or given["province"] not in rules.provinces or ground is None:
        return await _page(request, who, case, 422, given, translate(request, _INCOMPLETE))
    act = OfferCaseAct(province=given["province"], ground=ground)
    return await _put(request, who, case, act, given)


@door.act("/{case_id}/province/{offer_id}/end", SUPERVISORS, name="case-province-end", steps_up=N_("结束本省办理"))
async def end(request: Request, who: Signed, case_id: str, offer_id: str) -> Response:
    """End this province's part of a case that both provinces handle, and redirect to the page. 409 if the other one
    does not handle it or the case has no such offer, 202 if the case has not answered, 400 (HTTPException) if the form
    has no id. Raises NotFoundError if the person's area does not have the case. UnknownPolicyError or PolicyError
    passes through if the policy in force is lost or invalid. Errors of Kafka (such as TimeoutError and SendError) and
    Redis pass through.
    """
    made, given = services(request), await filled(request)
    case = await acts.found(made, who, case_id)
    if offer_of(case, offer_id) is None:
        return await _page(request, who, case, 409, given, say(request, NotBoth()))
    return await _put(request, who, case, EndHereAct(offer=offer_id), given)


async def _put(request: Request, who: Who, case: Case, act: OfferCaseAct | EndHereAct, given: Filled) -> Response:
    made = services(request)
    told = f"{act.province}, {act.ground.value}" if isinstance(act, OfferCaseAct) else act.offer
    message = acted(made, who, case, act, given.name(act.do, case.id))
    answer = await answers.put(made, who, message, told)
    if answer.how is Answered.DONE:
        return RedirectResponse(f"/cases/{case.id}/province", 303)
    wrong, status = not_done(request, answer)
    return await _page(request, who, await acts.found(made, who, case.id), status, given, wrong)


async def _page(
    request: Request, who: Who, case: Case, status: int = 200, given: Filled | None = None, wrong: str = ""
) -> Response:
    made = services(request)
    rules = (await made.line.policies.live()).handover
    late = late_offer(case)
    return page(
        request,
        "case_province.html",
        status,
        case=case,
        rules=rules,
        offers=_may_offer(rules, who, case),
        lives_in=suggested_province(case, rules),
        late=late,
        crossed=crossed_offer(case),
        also_there=also_there(case),
        stuck=stuck_offer(case),
        ends=late is not None and who.role is StaffRole.SUPERVISOR,
        knows_less=say(request, OtherKnowsLess(late.province)) if late and risen_since(case, late) else "",
        grounds=list(ProvinceGround),
        staff={account.login: account for account in await made.staff.all()},
        their_number=lambda offer: number_of(key_of(offer.other_case, offer.at)),
        given=given,
        wrong=wrong,
        forms=new_form,
    )


def _may_offer(rules: HandoverRules | None, who: Who, case: Case) -> bool:
    """Return True if the person may offer the case now. The case decides again when it is asked."""
    free = not case.settled and offer_waiting(case) is None and late_offer(case) is None
    return rules is not None and who.role in rules.roles and free and len(case.offers) < MOST_OFFERS
