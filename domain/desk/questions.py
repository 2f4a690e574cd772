"""The operator's script: a tree of questions for each scam type, with extra questions when the resident shows
resistance.

A script has the questions of its scam type; the opening, the money, the promise and the endings are common. A marker of
resistance ("told to keep it secret", "a safe account") may be noted at any time: its own question then comes before the
next one of the tree. So a conversation has at most as many answers as there are questions.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.policy.units import Section
from domain.toml_tables import read_table
from schemas.base import Token
from schemas.errors import UserError

SCAM = "scam"  # target of a common answer: the first question of the scam's own script
HEARD = "heard."  # prefix of a marker's id among the answers: the operator noted the marker

Line = Annotated[str, StringConstraints(min_length=1, max_length=600)]


class ScriptError(UserError, ValueError):
    """A script is invalid. Each line of the text names a place and its fault."""


class Suggestion(StrEnum):
    """The next thing for the operator to do when a conversation has come to one of the script's endings.

    Report an outcome (DISSUADED, NOT_PERSUADED, ALREADY_DEFRAUDED, FALSE_ALARM), or do something (SEND_OFFICER,
    CALL_AGAIN).
    """

    DISSUADED = "dissuaded"
    NOT_PERSUADED = "not_persuaded"
    ALREADY_DEFRAUDED = "already_defrauded"
    FALSE_ALARM = "false_alarm"
    SEND_OFFICER = "send_officer"
    CALL_AGAIN = "call_again"


class Words(Section):
    """A text in the three languages."""

    zh: Line
    ko: Line
    en: Line

    def of(self, language: str) -> str:
        """Return the text in the language with this code ("zh", "ko", "en"); Chinese for any other code."""
        return {"ko": self.ko, "en": self.en}.get(language, self.zh)


class Choice(Section):
    """An answer to a question. `next`: the id of the following question or ending. None, only in the question of a
    marker: the conversation goes on where it was. `marks`: ids of the markers that count as seen after this answer.
    """

    id: Token
    text: Words
    next: Token | None = None
    marks: list[Token] = Field(default_factory=list, max_length=4)


class Question(Section):
    """A question. `say`: the text for the resident. `why`: its purpose, for the operator, or None.

    `answers`: two to nine choices.
    """

    id: Token
    say: Words
    why: Words | None = None
    answers: Annotated[list[Choice], Field(min_length=2, max_length=9)]


class Ending(Section):
    """The end of a conversation.

    `say`: the last words to the resident. `advice`: a text for the operator. `suggests`: the outcome or act that should
    follow.
    """

    id: Token
    say: Words
    advice: Words
    suggests: Suggestion


class Marker(Section):
    """A sign that the scammer controls the resident ("told to keep it secret"), with the question that is asked when
    the sign was seen. If several were seen, their questions come in the file's order, the gravest first.
    """

    id: Token
    title: Words
    question: Question


class Common(Section):
    """The part shared by all trees: questions, endings and markers.

    `start`: the id of the first question, or "scam" for that of the scam's script.
    """

    start: Token
    questions: Annotated[list[Question], Field(min_length=1, max_length=32)]
    endings: Annotated[list[Ending], Field(min_length=1, max_length=16)]
    markers: Annotated[list[Marker], Field(max_length=16)]


class Script(Section):
    """The questions of one type of scam (`scam`). `start`: the id of the first question."""

    scam: Token
    title: Words
    start: Token
    questions: Annotated[list[Question], Field(min_length=1, max_length=32)]


@dataclass(frozen=True, slots=True)
class Tree:
    """A script combined with the common part, and checked: all targets exist, nothing runs in a circle, all can be
    reached.

    `scam`: the type of scam. `start`: the id of the first question. `questions`, `endings`, `markers`: by id.
    """

    scam: str
    title: Words
    start: str
    questions: Mapping[str, Question]
    endings: Mapping[str, Ending]
    markers: Mapping[str, Marker]


@dataclass(frozen=True, slots=True)
class Walk:
    """The state of a conversation.

    `asked`: the answered questions with their answers, in order. `at`: the next question, or the ending. `heard`: the
    markers that were seen, by the operator or by an answer.
    """

    asked: list[tuple[Question, Choice]]
    at: Question | Ending
    heard: list[Marker]


def load_common(text: str) -> Common:
    """Return the common part in a TOML text. Raises ScriptError if the text is not TOML or invalid."""
    return read_table(text, Common, ScriptError)


def load_script(text: str) -> Script:
    """Return the script in a TOML text. Raises ScriptError if the text is not TOML or invalid."""
    return read_table(text, Script, ScriptError)


def grow(script: Script, common: Common) -> Tree:
    """Return the tree of a script and the common part.

    Raises ScriptError if an id occurs twice or is reserved (SCAM, HEARD), if a target or marker does not exist, if the
    questions run in a circle, or if a question or ending can never be reached.
    """
    asked = [*_to_scam(common.questions, script.start), *script.questions]
    tree = Tree(
        scam=script.scam,
        title=script.title,
        start=script.start if common.start == SCAM else common.start,
        questions={question.id: question for question in asked},
        endings={ending.id: ending for ending in common.endings},
        markers={marker.id: marker for marker in common.markers},
    )
    if wrong := [*_doubles(asked, common), *_lost(tree)] or [*_circle(tree)] or [*_unreached(tree)]:
        raise ScriptError("\n".join(f"script {script.scam}: {line}" for line in wrong))
    return tree


def next_question(tree: Tree, answers: Mapping[str, str]) -> Question | Ending:
    """Return the next question, or the ending. `answers`: answer ids by question id; unknown ones are ignored."""
    return walk(tree, answers).at


def walk(tree: Tree, answers: Mapping[str, str]) -> Walk:
    """Return the state of the conversation after the `answers`, which are answer ids by question id. Unknown ids are
    ignored.

    The answers are followed from the start to the first question without one. Before that question come those of the
    markers that were seen: by an answer (its `marks`), or by the operator, which `answers` has under the key HEARD plus
    the marker's id.
    """
    asked: list[tuple[Question, Choice]] = []
    at, marked = tree.start, {name for name in tree.markers if HEARD + name in answers}
    while (question := tree.questions.get(at)) and (choice := _chosen(question, answers)):
        asked.append((question, choice))
        marked.update(choice.marks)
        at = choice.next or at
    heard = [marker for name, marker in tree.markers.items() if name in marked]
    for marker in heard:
        choice = _chosen(marker.question, answers)
        if choice is None:
            return Walk(asked, marker.question, heard)
        asked.append((marker.question, choice))
        if choice.next:
            return Walk(asked, tree.endings[choice.next], heard)
    return Walk(asked, tree.questions.get(at) or tree.endings[at], heard)


def _chosen(question: Question, answers: Mapping[str, str]) -> Choice | None:
    given = answers.get(question.id)
    return next((choice for choice in question.answers if choice.id == given), None)


def _to_scam(questions: Iterable[Question], start: str) -> Iterator[Question]:
    """Yield the common questions, with the scam's first question as target where they continue to it."""
    for question in questions:
        choices = [
            choice.model_copy(update={"next": start}) if choice.next == SCAM else choice for choice in question.answers
        ]
        yield question.model_copy(update={"answers": choices})


def _doubles(asked: list[Question], common: Common) -> Iterator[str]:
    questions = [*asked, *(marker.question for marker in common.markers)]
    names = Counter([*(each.id for each in questions), *(ending.id for ending in common.endings)])
    yield from (f"{name!r} is the id of {times} questions or endings" for name, times in names.items() if times > 1)
    marks = Counter(marker.id for marker in common.markers)
    yield from (f"{name!r} is the id of {times} markers" for name, times in marks.items() if times > 1)
    for question in questions:
        given = Counter(choice.id for choice in question.answers)
        yield from (f"question {question.id!r} has {n} answers {name!r}" for name, n in given.items() if n > 1)
        if question.id == SCAM or question.id.startswith(HEARD):
            yield f"question {question.id!r}: the name has a meaning of its own"


def _lost(tree: Tree) -> Iterator[str]:
    """Yield targets and markers that do not exist. A marker's question must continue the tree or lead to an ending."""
    places = tree.questions.keys() | tree.endings.keys()
    if tree.start not in places:
        yield f"start = {tree.start!r} is no question"
    for question, choice in _choices(tree.questions.values()):
        if choice.next not in places:
            yield f"question {question.id!r}, answer {choice.id!r}: next = {choice.next!r} is no question or ending"
        yield from (
            f"question {question.id!r}, answer {choice.id!r}: {mark!r} is no marker"
            for mark in choice.marks
            if mark not in tree.markers
        )
    for question, choice in _choices(marker.question for marker in tree.markers.values()):
        if choice.next is not None and choice.next not in tree.endings:
            yield f"question {question.id!r}, answer {choice.id!r}: next = {choice.next!r} is no ending"


def _circle(tree: Tree) -> Iterator[str]:
    try:
        TopologicalSorter({name: _targets(question) for name, question in tree.questions.items()}).prepare()
    except CycleError as error:
        yield f"the questions go in a circle: {' - '.join(error.args[1])}"


def _unreached(tree: Tree) -> Iterator[str]:
    reached, left = set[str](), [tree.start]
    left += [name for marker in tree.markers.values() for name in _targets(marker.question)]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += _targets(tree.questions[name]) if name in tree.questions else []
    yield from (f"question {name!r} is never asked" for name in tree.questions if name not in reached)
    yield from (f"ending {name!r} is never reached" for name in tree.endings if name not in reached)


def _targets(question: Question) -> list[str]:
    return [choice.next for choice in question.answers if choice.next]


def _choices(questions: Iterable[Question]) -> Iterator[tuple[Question, Choice]]:
    return ((question, choice) for question in questions for choice in question.answers)
