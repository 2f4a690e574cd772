"""Keys are rotated while the console runs: nobody is signed out, nothing becomes unreadable, the audit stays whole."""

from pathlib import Path

import pytest

from domain.access.key_rings import KeyPurpose, key_id, with_accepted, with_in_force, without_key
from schemas.channels.webhooks import Webhook
from schemas.people.staff import StaffRole
from streams.channels.webhooks import new_id
from streams.operations.key_renewal import renew_secrets
from streams.security.audit_chains import Heads
from streams.security.audit_log import verified
from streams.security.encryption import UnreadableSecretError
from streams.security.key_files import ALL, change_ring, load_keys, make_keys, random_key
from tests.console.harness.stage import Stage
from tests.console.harness.visitors import Visitor, person, sign_in


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the keys, in files that the console reads."""
    make_keys(tmp_path)
    monkeypatch.setenv("QUANZU_KEYS_FILE", str(tmp_path / ALL))
    return tmp_path


@pytest.fixture(params=[False, True], ids=["international", "chinese"])
def sm(request: pytest.FixtureRequest) -> bool:
    """Whether the new keys are for the Chinese algorithms."""
    return bool(request.param)


def rotated(folder: Path, purpose: KeyPurpose, *, sm: bool) -> str:
    """Rotate a purpose's key, and give the former one's id."""
    former, key = load_keys(folder)[purpose].current, random_key(sm=sm)
    change_ring(folder, purpose, lambda ring: with_accepted(ring, key))
    change_ring(folder, purpose, lambda ring: with_in_force(ring, key_id(key)))
    return key_id(former)


async def test_whoever_is_signed_in_goes_on_and_a_form_that_was_open_is_taken(
    folder: Path, console: Stage, sm: bool
) -> None:
    somebody = await person(console, StaffRole.OPERATOR)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        form = await visitor.get("/account")
        csrf = form.text.partition('data-csrf="')[2][:64]
        former = rotated(folder, KeyPurpose.SESSION, sm=sm)
        assert (await visitor.post("/sign-out", data={"csrf": csrf})).status_code == 303
        await sign_in(visitor, somebody, somebody.recovery[0])
        change_ring(folder, KeyPurpose.SESSION, lambda ring: without_key(ring, former))
        assert (await visitor.post("/sign-out", data={"csrf": csrf})).status_code == 403
        assert (await visitor.write("/sign-out")).status_code == 303


async def test_authenticators_recovery_codes_and_webhooks_outlive_a_rotation(
    folder: Path, console: Stage, sm: bool
) -> None:
    line, somebody = console.services.line, await person(console, StaffRole.OPERATOR)
    webhook = Webhook(
        id=new_id(),
        url="https://example.com/hook",
        secrets=[line.webhooks.sealed("the secret of a test")],
        made_at=line.clock.now(),
        made_by="test",
    )
    await line.webhooks.put(webhook)
    former = {purpose: rotated(folder, purpose, sm=sm) for purpose in (KeyPurpose.SECOND_FACTOR, KeyPurpose.DELIVERY)}
    others = [each for each in await line.staff.all() if each.totp and each.login != somebody.login]
    for account in others:  # of other tests, under keys that are not in this folder
        await line.staff.put(account.model_copy(update={"totp": None, "recovery": []}))
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody, somebody.recovery[0])
        assert (await visitor.get("/account")).status_code == 200
    found = await renew_secrets(line)
    assert (found.authenticators, found.webhooks, found.waiting) == (1, 1, 1)
    assert (await renew_secrets(line))[:3] == (0, 0, 0)
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        page = await visitor.write("/account/recovery")
        assert page.status_code == 200, page.text
    assert (await renew_secrets(line)).waiting == 0
    for purpose, key in former.items():
        change_ring(folder, purpose, lambda ring, key=key: without_key(ring, key))  # type: ignore[misc]
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody, page.text.partition("<li><code>")[2].partition("</code>")[0])
        assert (await visitor.get("/account")).status_code == 200
    stored = (await line.webhooks.by_id())[webhook.id]
    assert line.webhooks.opened(stored) == ["the secret of a test"]
    with pytest.raises(UnreadableSecretError):
        line.webhooks.opened(webhook)
    await line.webhooks.drop(webhook.id)


async def test_the_audit_is_whole_across_a_rotation_and_not_without_the_former_key(
    folder: Path, console: Stage, sm: bool
) -> None:
    line, somebody = console.services.line, await person(console, StaffRole.OPERATOR)
    already = {fault.chain for fault in (await verified(line.settings, Heads(line.redis))).faults}
    async with Visitor(console) as visitor:
        await sign_in(visitor, somebody)
        former = rotated(folder, KeyPurpose.AUDIT, sm=sm)
        await visitor.write("/sign-out")
    found = await verified(line.settings, Heads(line.redis))
    assert {fault.chain for fault in found.faults} == already  # those of other tests, under other keys
    change_ring(folder, KeyPurpose.AUDIT, lambda ring: without_key(ring, former))
    assert len((await verified(line.settings, Heads(line.redis))).faults) > len(found.faults)


async def test_text_that_cannot_be_encoded_is_refused_before_anything_is_hashed(console: Stage) -> None:
    async with Visitor(console) as visitor:
        body = b'--b\r\ncontent-disposition: form-data; name="login"\r\n\r\n+2AA-\r\n--b--\r\n'
        headers = {"content-type": "multipart/form-data; boundary=b; charset=utf-7"}
        answer = await visitor.post("/sign-in", content=body, headers=headers)
        assert answer.status_code == 415
