"""The text of an experiment's arm goes only to who takes part, as the register says when it is sent."""

from datetime import timedelta

import tomlkit

from schemas.people.residents import Flag, Resident
from streams.channels.outgoing import Recipient
from streams.repositories.policies import Policies
from streams.repositories.residents.register import Residents
from streams.runtime.settings import Settings
from tests.channel_rig import PHONE, Rig, rigged
from tests.dispatched import NOW, dispatch_for
from tests.domain.experiments.plans import approval, fields


async def _with_experiment(rig: Rig) -> None:
    """Put a policy in force that has an experiment with an arm `short`."""
    before = {"on": "2026-01-01"}
    plan = fields(
        starts=(NOW - timedelta(days=40)).isoformat(),
        ends=(NOW + timedelta(days=60)).isoformat(),
        registered_on="2026-01-02",
        ethics=approval() | before,
        waiver=approval() | before,
    )
    text = rig.settings.policy.read_text("utf-8") + tomlkit.dumps({"experiments": {"wording": plan}})
    rig.policy = (await Policies(rig.settings, rig.redis, rig.producer).publish(text)).hash


async def _text(rig: Rig, resident: Resident) -> str:
    """Return the text of the arm's SMS to the resident."""
    dispatch = await rig.decided(dispatch_for(resident.id, arm="wording/short"))
    to = Recipient(PHONE, PHONE, dispatch.language)
    return await (await rig.worker()).words(dispatch, to)


async def test_an_objection_in_the_register_holds_for_an_sms_that_is_on_its_way(settings: Settings) -> None:
    async with rigged(settings) as rig:
        await _with_experiment(rig)
        resident = await rig.resident()
        with_arm = await _text(rig, resident)
        assert "请立即停止转账" in with_arm
        objects = resident.model_copy(update={"flags": frozenset({Flag.OBJECTS_TO_EXPERIMENTS})})
        await Residents(rig.settings, rig.redis, rig.producer).put([objects])
        usual = await _text(rig, objects)
    assert "请立即停止转账" not in usual
    assert "96110" in usual
