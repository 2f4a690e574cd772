"""Route of the record of processing (个人信息处理活动记录), for the auditor: which personal data is used, and why."""

from fastapi import Request
from starlette.responses import Response

from console.reference.processing import SENSITIVE, record_of_processing, without_personal_data
from console.web.auth import trail
from console.web.auth.who import Signed
from console.web.kit.door import Door
from console.web.kit.pages import page
from console.web.kit.services import services
from schemas.people.staff import StaffRole

door = Door()


@door.page("/processing", {StaffRole.AUDITOR}, name="processing")
async def show(request: Request, who: Signed) -> Response:
    """Return the page with the record of processing under the policy in force, by topic and kind of record. It names no
    person. UnknownPolicyError or PolicyError passes through if the policy in force is lost or invalid. Errors of Kafka
    (such as TimeoutError and SendError) and Redis pass through.
    """
    made = services(request)
    vault = made.line.settings.vault is not None
    policy = await made.line.policies.live()
    await trail.write(made, who, "look-processing", policy.hash)
    return page(
        request,
        "processing.html",
        lines=record_of_processing(policy, vault),
        without=without_personal_data(),
        sensitive=SENSITIVE,
        vault=vault,
        policy=policy,
    )
