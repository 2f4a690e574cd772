from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from console.web.auth import passwords


async def test_a_password_is_hashed_at_the_cost_that_rfc_9106_recommends() -> None:
    assert extract_parameters(await passwords.hashed("一只猫在屋顶上看月亮")) == RFC_9106_LOW_MEMORY
