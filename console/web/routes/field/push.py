"""Routes for push messages to officers' telephones: the key, subscribing and ending a device."""

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Signed
from console.web.kit.door import EVERYBODY, Door
from console.web.kit.services import Services, services
from console.web.routes.field.tasks import OFFICERS
from schemas.people.escalations import PushSubscription
from streams.channels.push import LONGEST_ENDPOINT, PushSender
from streams.channels.push_encryption import check_subscription
from streams.repositories.escalations import opaque_id

door = Door()
MOST_DEVICES = 5  # of one account; the oldest one ends when there is a sixth
LANGUAGES = {"ko": "ko", "en": "en"}  # by the page's language; all others are Chinese
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")


class _Given(BaseModel):
    """The subscription that a browser sends."""

    endpoint: str = Field(max_length=LONGEST_ENDPOINT)
    p256dh: str = Field(default="", max_length=100)
    auth: str = Field(default="", max_length=40)
    language: str = Field(default="zh", max_length=10)


@door.page("/tasks/push", OFFICERS, name="tasks-push-key")
async def key(request: Request, who: Signed) -> Response:
    """Return JSON: `key`, the public key with which a browser subscribes; "" if the installation sends no push
    messages, or the account belongs to no officer on a roster.
    """
    return JSONResponse({"key": _sender(services(request)).public_key if who.officer else ""})


@door.act("/tasks/push", OFFICERS, name="tasks-push")
async def subscribe(request: Request, who: Signed) -> Response:
    """Send this officer's new tasks to a browser from now on. A browser that is known already now belongs to this
    session; for a new one, an audit entry is written first.

    409 if push messages are not set up, or the account belongs to no officer on a roster; 422 if the body or its keys
    are invalid, or nothing may be sent to the endpoint. Beyond MOST_DEVICES (5) devices of the account, the oldest are
    deleted. 204 without content. Errors of Kafka (such as TimeoutError and SendError) and Redis pass through.
    """
    made, given = services(request), await _read(request)
    sender, account = _sender(made), await made.staff.get(who.login)
    if not sender.public_key or who.officer is None or account is None:
        return _wrong("push messages are not set up for this account", 409)
    if given is None or not sender.permitted(given.endpoint):
        return _wrong("the endpoint must be an https address outside the network")
    try:
        check_subscription(given.p256dh, given.auth)
    except ValueError:
        return _wrong("the keys are not those of a subscription")
    devices = made.line.outgoing.rosters.push
    name = opaque_id(given.endpoint)
    if await devices.get(name) is None:
        await trail.write(made, who, "push-device-added", who.login)
    agent = request.headers.get("user-agent", "")
    await devices.write(
        PushSubscription(
            id=name,
            login=who.login,
            officer=who.officer,
            epoch=account.epoch,
            session=who.session,
            device=next((each for each in SYSTEMS if each in agent), ""),
            language=LANGUAGES.get(given.language[:2], "zh"),
            made_at=made.line.clock.now(),
            sealed=devices.sealed(given.endpoint, given.p256dh, given.auth),
        )
    )
    for old in (await devices.of_login(who.login))[MOST_DEVICES:]:
        await devices.drop(old.id)
    return Response(status_code=204)


@door.act("/tasks/push/end", OFFICERS, name="tasks-push-end")
async def unsubscribe(request: Request, who: Signed) -> Response:
    """Delete the account's subscription of this browser, known by its endpoint, so that no messages are sent to it. 204
    also if the account has none for it; 422 if the body is invalid or lacks the endpoint. TimeoutError and SendError of
    Kafka, and errors of Redis, pass through.
    """
    given = await _read(request)
    if given is None:
        return _wrong("name the endpoint")
    await _end(services(request), who.login, opaque_id(given.endpoint))
    return Response(status_code=204)


@door.act("/account/devices/{device}/end", EVERYBODY, name="account-end-device")
async def end_device(request: Request, who: Signed, device: str) -> Response:
    """Delete the subscription of one of the person's devices, and redirect to the account. An audit entry is written.

    Raises NotFoundError if the person has no such device. TimeoutError and SendError of Kafka, and errors of Redis,
    pass through.
    """
    made = services(request)
    if not await _end(made, who.login, device):
        raise NotFoundError
    await trail.write(made, who, "push-device-ended", who.login)
    return RedirectResponse("/account", 303)


async def _end(made: Services, login: str, device: str) -> bool:
    """Delete a device of this login, by its id. Returns False if the login has no such device."""
    devices = made.line.outgoing.rosters.push
    known = await devices.get(device)
    if known is None or known.login != login:
        return False
    await devices.drop(device)
    return True


async def _read(request: Request) -> _Given | None:
    try:
        return _Given.model_validate_json(await request.body())
    except ValidationError:
        return None


def _sender(made: Services) -> PushSender:
    outgoing = made.line.outgoing
    return PushSender(made.line.settings, outgoing.channels, outgoing.rosters.push, made.line.clock)


def _wrong(do: str, status: int = 422) -> JSONResponse:
    return JSONResponse({"error": "not subscribed", "do": do}, status)
