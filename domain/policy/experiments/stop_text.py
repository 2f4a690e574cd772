"""Writes a stop into the text of a policy, so that an experiment can be stopped at once, without an editor."""

import re
from datetime import UTC, datetime

from domain.policy.file import Policy, PolicyError, load


class UnstoppableError(ValueError):
    """The text does not have the experiment as a table of its own, `[experiments.NAME]`, or not as one that can be
    stopped by a line.
    """


def with_stop(text: str, name: str, at: datetime) -> str:
    """Return the policy's TOML text with the experiment `name` stopped at `at`, and everything else as its author wrote
    it.

    Return the text unchanged if it does not have the experiment, or has it stopped already. Raises UnstoppableError if
    the experiment is not a table of its own, `[experiments.NAME]`, to which a line can be added, and PolicyError if the
    text is not a valid policy.
    """
    policy = load(text)
    if name not in policy.experiments or policy.experiments[name].stopped:
        return text
    header = re.compile(
        rf"^[ \t]*\[[ \t]*experiments[ \t]*\.[ \t]*{re.escape(name)}[ \t]*\][ \t]*(#.*)?$", re.MULTILINE
    )
    line = f"stopped_at = {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    stopped = header.sub(lambda found: f"{found[0]}\n{line}", text, count=1)
    if not _only_stopped(policy, stopped, name):
        raise UnstoppableError(name)
    return stopped


def _only_stopped(policy: Policy, text: str, name: str) -> bool:
    """Return True if `text` is the policy with this experiment stopped, and with nothing else changed."""
    try:
        found = load(text)
    except PolicyError:
        return False
    if name not in found.experiments or not found.experiments[name].stopped:
        return False
    before = {**policy.experiments, name: found.experiments[name]}
    same = {"hash": found.hash, "risk": found.risk, "experiments": before}
    return policy.model_copy(update=same) == found


def unstoppable(text: str, at: datetime) -> list[str]:
    """Return the names of the experiments in a policy's TOML text that are not stopped and that `with_stop` could not
    stop at `at`; empty if there are none.

    Raises PolicyError if the text is not a valid policy.
    """
    found = []
    for name, plan in load(text).experiments.items():
        try:
            if not plan.stopped:
                with_stop(text, name, at)
        except UnstoppableError:
            found.append(name)
    return found
