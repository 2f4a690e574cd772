"""Shared parts of the policy pages: fields of their forms, and the comparison with the policy in force."""

import tomllib
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from console.web.kit.filled import form_value
from console.web.kit.i18n import translate
from console.web.kit.services import Services
from console.web.policies.policy_words import ABOUT, EXPERIMENT_REFUSALS, PARTS
from domain.policy import PolicyError, difference, load
from domain.policy.experiments.publishing import ExperimentRefusedError
from schemas.administration.drafts import MOST_CHARACTERS
from schemas.base import legible
from schemas.casework.policies import InForce
from streams.operations import rules
from streams.repositories.policies import UnknownPolicyError
from streams.state.keys import key

MOST_REASON = 500
MOST_LINES = 2_000  # lines shown of a comparison


def compared(live: str, text: str) -> dict[str, Any]:
    """Return the template variables of the comparison of `text` with the policy in force `live`: `lines` that differ,
    `changes` of values (empty if a text is invalid), and the Chinese words for both (`about`, `parts_of`).
    """
    try:
        load(text)
        changed = difference.changes(live, text)
    except (PolicyError, tomllib.TOMLDecodeError, RecursionError):
        changed = []
    return {"lines": shown_lines(live, text), "changes": changed, "about": ABOUT, "parts_of": PARTS}


def shown_lines(before: str, after: str) -> list[difference.Line]:
    """Return the lines in which two texts differ, with their context, in the order of the texts; at most MOST_LINES
    (2,000).
    """
    return difference.lines(before, after)[:MOST_LINES]


def experiments_refused(request: Request, error: ExperimentRefusedError) -> str:
    """Return the sentence that says why a policy may not be put in force because of its experiments, in the request's
    language.
    """
    sentence = translate(request, EXPERIMENT_REFUSALS[error.code])
    return sentence.format(names=", ".join(error.names))


async def submitted(request: Request, form: FormData) -> tuple[str, str]:
    """Return (the submitted policy text, why it is refused in the request's language, or ""). A file takes precedence
    over typed text. Refused: a file that is not UTF-8, more than MOST_CHARACTERS (the text is then cut), or no text.
    """
    given = form.get("file")
    typed = form_value(form, "text").replace("\r\n", "\n")  # as browsers send it
    if isinstance(given, UploadFile) and given.filename:
        raw = await given.read(4 * MOST_CHARACTERS + 1)
        try:
            typed = raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            return typed, translate(request, "文件不是 UTF-8 编码，第 {at} 个字节有误。").format(at=error.start + 1)
    if len(typed) > MOST_CHARACTERS:
        return typed[:MOST_CHARACTERS], translate(request, "策略过长，最多 {most} 字。").format(most=MOST_CHARACTERS)
    return typed, "" if typed.strip() else translate(request, "没有内容：请选择文件或填写策略。")


async def live_text(made: Services, live: InForce) -> str:
    """Return the TOML text of the policy in force; "" if it is not stored. Errors of Kafka and Redis pass through."""
    try:
        return await made.line.policies.text(live.policy)
    except UnknownPolicyError:
        return ""


async def partition_policies(made: Services) -> list[str]:
    """Return the hash of the policy that each partition uses, in the partitions' order; "" if it is unknown. Errors of
    Redis pass through.
    """
    async with made.line.redis.pipeline(transaction=False) as pipe:
        for partition in range(made.line.settings.partitions):
            pipe.hget(key("state", partition), "policy")
        return [raw.decode() if raw else "" for raw in await pipe.execute()]


async def what_holds(request: Request, made: Services, digest: str) -> str:
    """Return, in the request's language, whether the policy with the hash `digest` is in force after putting it in
    force was interrupted, and that it may be repeated. PolicyError or OSError passes through if no policy was put in
    force yet and the settings' policy file cannot be read. Errors of Redis pass through.
    """
    live, used = (await rules.standing(made.line)).policy, await partition_policies(made)
    if live != digest:
        words = "在时限内未写入 Kafka。策略 {policy} 未生效，现行策略仍是 {live}。可以再次提交，重复提交是安全的。"
    elif set(used) != {digest}:
        words = "未在时限内完成。策略 {policy} 已定为现行策略，{there}/{all} 个分区已切换。请再次提交以完成，可以重复。"
    else:
        words = "策略 {policy} 已在所有分区生效，但记录未写完。请再次提交以完成，重复提交是安全的。"
    numbers = {"there": used.count(digest), "all": len(used)}
    return translate(request, words).format(policy=digest[:8], live=live[:8], **numbers)


def reason_of(form: FormData) -> str:
    """Return the form's reason, cut to MOST_REASON (500) characters; "" if it has fewer than two characters."""
    words = legible(form_value(form, "reason")).strip()[:MOST_REASON]
    return words if len(words) >= 2 else ""


def to_draft(draft_id: str) -> Response:
    """Return a redirect to the page of a draft."""
    return RedirectResponse(f"/policies/drafts/{draft_id}", 303)
