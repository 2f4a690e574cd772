"""Words of the policy in force for pages that must open even if its text is lost."""

from collections.abc import Mapping

from console.web.kit.services import Services
from streams.operations import rules
from streams.repositories.policies import UnknownPolicyError


async def scam_names(made: Services) -> Mapping[str, str]:
    """Return the Chinese name of each scam type, by its key; empty if the policy's text is stored nowhere."""
    try:
        policy = await made.line.policies.get((await rules.standing(made.line)).policy)
    except UnknownPolicyError:
        return {}
    return {name: scam.name for name, scam in policy.risk.scams.items()}
