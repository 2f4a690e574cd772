"""Policies by their hash: a text that is stored nowhere is an error, whatever this process remembers."""

import pytest

from domain.policy import digest_of
from streams.repositories.policies import Policies, UnknownPolicyError
from streams.runtime.settings import Settings
from streams.state.keys import POLICIES
from tests.channel_rig import rigged


async def test_a_policy_that_was_parsed_before_and_is_stored_nowhere_has_no_text(settings: Settings) -> None:
    async with rigged(settings) as rig:
        policies = Policies(rig.settings, rig.redis, rig.producer)
        text = rig.settings.policy.read_text("utf-8") + "\n# stored in Redis alone\n"
        digest = digest_of(text)
        await rig.redis.hset(POLICIES, digest, text)
        assert (await policies.get(digest)).hash == digest
        assert await policies.text(digest) == text
        await rig.redis.hdel(POLICIES, digest)
        with pytest.raises(UnknownPolicyError, match=digest):
            await policies.text(digest)
