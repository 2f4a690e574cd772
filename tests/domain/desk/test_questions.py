"""The scripts: every tree is sound, every conversation ends, and resistance decides what is asked next."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.desk.questions import (
    HEARD,
    Ending,
    Question,
    ScriptError,
    Suggestion,
    Tree,
    Words,
    grow,
    load_common,
    load_script,
    next_question,
    walk,
)
from schemas.casework.acts import MOST_ANSWERS, AnswersAct, NoteAct
from schemas.casework.cases import CaseState
from schemas.casework.events import FactKind
from schemas.codes.people import ScriptAnswered
from schemas.levels import Level, Outcome
from tests.domain.builders import Line, payment, policy

FOLDER = Path(__file__).parents[3] / "deploy" / "scripts"
NAMES = sorted(file.stem for file in FOLDER.glob("*.toml") if file.stem != "common")
LANGUAGES = {"zh": r"[一-鿿]", "ko": r"[가-힣]", "en": r"[A-Za-z]"}


@cache
def tree(name: str) -> Tree:
    common = load_common((FOLDER / "common.toml").read_text("utf-8"))
    return grow(load_script((FOLDER / f"{name}.toml").read_text("utf-8")), common)


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


SMALL = """
start = "first"
[[questions]]
id = "first"
say = { zh = "一", ko = "일", en = "one" }
answers = [
  { id = "a", text = { zh = "一", ko = "일", en = "one" }, next = "scam" },
  { id = "b", text = { zh = "二", ko = "이", en = "two" }, next = "end", marks = ["mark"] },
]
[[endings]]
id = "end"
say = { zh = "完", ko = "끝", en = "end" }
advice = { zh = "完", ko = "끝", en = "end" }
suggests = "dissuaded"
[[markers]]
id = "mark"
title = { zh = "记", ko = "표", en = "mark" }
[markers.question]
id = "m.mark"
say = { zh = "问", ko = "문", en = "ask" }
answers = [
  { id = "a", text = { zh = "一", ko = "일", en = "one" } },
  { id = "b", text = { zh = "二", ko = "이", en = "two" }, next = "end" },
]
"""
OWN = """
scam = "small"
title = { zh = "小", ko = "작", en = "small" }
start = "own"
[[questions]]
id = "own"
say = { zh = "问", ko = "문", en = "ask" }
answers = [
  { id = "a", text = { zh = "一", ko = "일", en = "one" }, next = "end" },
  { id = "b", text = { zh = "二", ko = "이", en = "two" }, next = "end" },
]
"""


def grown(common: str = SMALL, own: str = OWN) -> Tree:
    return grow(load_script(own), load_common(common))


# ------------------------------------------------------------ the scripts as they are deployed


def test_every_scam_type_of_the_policy_has_a_script_and_there_is_a_general_one() -> None:
    assert {*policy().risk.scams, "general"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_deployed_script_is_a_sound_tree_that_can_end_in_every_way(name: str) -> None:
    ways = {ending.suggests for ending in tree(name).endings.values()}
    assert tree(name).scam == name
    assert ways == set(Suggestion)


@pytest.mark.parametrize("name", NAMES)
def test_each_text_of_a_script_is_in_the_language_it_is_said_to_be(name: str) -> None:
    found: list[Words] = []
    for question in [*tree(name).questions.values(), *(m.question for m in tree(name).markers.values())]:
        found += [question.say, *(choice.text for choice in question.answers), *filter(None, [question.why])]
    for ending in tree(name).endings.values():
        found += [ending.say, ending.advice]
    for words in found:
        assert all(re.search(letters, words.of(language)) for language, letters in LANGUAGES.items()), words
        assert not re.search(LANGUAGES["ko"], words.zh + words.en), words


@given(st.sampled_from(NAMES), st.data())
def test_whatever_is_answered_and_heard_a_conversation_ends(name: str, data: st.DataObject) -> None:
    here, answers = tree(name), dict[str, str]()
    for _ in range(len(here.questions) + len(here.markers) + 1):
        heard = data.draw(st.sampled_from([None, *here.markers]))
        answers |= {f"{HEARD}{heard}": "yes"} if heard else {}
        at = next_question(here, answers)
        if isinstance(at, Ending):
            break
        assert at.id not in answers
        answers[at.id] = data.draw(st.sampled_from(at.answers)).id
    assert isinstance(next_question(here, answers), Ending)
    assert len(answers) <= MOST_ANSWERS


@given(st.sampled_from(NAMES), st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=20))
def test_answers_that_a_script_does_not_know_are_passed_over(name: str, answers: dict[str, str]) -> None:
    assert isinstance(next_question(tree(name), answers), Question | Ending)


# ------------------------------------------------------------ markers of resistance


def test_what_was_heard_is_asked_about_before_anything_else_the_gravest_first() -> None:
    here = tree("police")
    answers = {"opening": "yes", f"{HEARD}secret": "yes", f"{HEARD}screen_shared": "yes"}
    assert next_question(here, answers).id == "m.screen_shared"
    answers["m.screen_shared"] = "done"
    assert next_question(here, answers).id == "m.secret"
    answers["m.secret"] = "told"
    assert next_question(here, answers).id == "said"


def test_an_answer_may_be_a_marker_and_a_marker_may_end_the_conversation() -> None:
    here = tree("police")
    answers = {"opening": "yes", "said": "yes", "how": "video"}
    assert next_question(here, answers).id == "m.video_police"
    answers["m.video_police"] = "afraid"
    ending = next_question(here, answers)
    assert isinstance(ending, Ending)
    assert ending.suggests is Suggestion.SEND_OFFICER


def test_the_conversation_is_told_in_its_order_with_what_was_heard() -> None:
    walked = walk(tree("brushing"), {"opening": "yes", "task": "group", "m.hurry": "yes"})
    assert [(question.id, choice.id) for question, choice in walked.asked] == [
        ("opening", "yes"),
        ("task", "group"),
        ("m.hurry", "yes"),
    ]
    assert [marker.id for marker in walked.heard] == ["hurry"]
    assert walked.at.id == "gain"


def test_an_answer_taken_back_is_asked_for_again() -> None:
    here = tree("loan")
    answers = {"opening": "yes", "applied": "link"}
    asked = next_question(here, answers)
    answers[asked.id] = "no"
    del answers[asked.id]
    assert next_question(here, answers) == asked


# ------------------------------------------------------------ what is refused


def test_a_small_tree_is_sound() -> None:
    assert next_question(grown(), {"first": "a"}).id == "own"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('next = "end" }', 'next = "nowhere" }', "next = 'nowhere' is no question or ending"),
        ('next = "end" }', 'next = "own" }', "in a circle: own - own"),
        ('next = "end" }', 'next = "first" }', "in a circle"),
        ('id = "own"', 'id = "first"', "'first' is the id of 2"),
        ('{ id = "b"', '{ id = "a"', "has 2 answers 'a'"),
        ('start = "own"', 'start = "end"', "question 'own' is never asked"),
        ('next = "end" }', 'next = "end", marks = ["other"] }', "'other' is no marker"),
        ('id = "own"', 'id = "heard.own"', "has a meaning of its own"),
        ('scam = "small"', 'scam = "small"\nother = 1', "Extra inputs are not permitted"),
        ('say = { zh = "问", ko = "문", en = "ask" }', 'say = { zh = "问", ko = "문" }', "say.en"),
        ("scam =", "scam", "not TOML"),
    ],
)
def test_a_script_that_is_not_sound_is_refused_and_the_place_is_named(old: str, new: str, words: str) -> None:
    with pytest.raises(ScriptError, match=re.escape(words)):
        grown(own=changed(OWN, old, new))


def test_a_marker_leads_back_or_to_an_ending_and_never_into_the_tree() -> None:
    with pytest.raises(ScriptError, match="answer 'b': next = 'own' is no ending"):
        grown(changed(SMALL, 'en = "two" }, next = "end" },\n]\n', 'en = "two" }, next = "own" },\n]\n'))


def test_an_ending_that_nothing_leads_to_is_refused() -> None:
    other = '[[endings]]\nid = "other"\nsay = { zh = "完", ko = "끝", en = "end" }\n'
    other += 'advice = { zh = "完", ko = "끝", en = "end" }\nsuggests = "false_alarm"\n[[markers]]'
    with pytest.raises(ScriptError, match="ending 'other' is never reached"):
        grown(changed(SMALL, "[[markers]]", other))


def test_the_files_hold_nothing_but_what_a_script_has() -> None:
    for name in NAMES:
        assert set(tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))) == {
            "scam",
            "title",
            "start",
            "questions",
        }


# ------------------------------------------------------------ kept with the case


def talking() -> Line:
    line = Line()
    line.alert(Level.RED, payment())
    line.act(NoteAct(what="conversation"))
    return line


def told(line: Line, script: str = "brushing", **answers: str) -> None:
    line.act(AnswersAct(script=script, answers=answers))


def test_answers_are_kept_with_the_case_and_said() -> None:
    line = talking()
    told(line, opening="yes")
    told(line, task="group")
    assert (line.here.script, line.here.answers) == ("brushing", {"opening": "yes", "task": "group"})
    assert line.facts(FactKind.NOTE)[-1] == ScriptAnswered("brushing", {"task": "group"})
    assert line.state() is CaseState.IN_CONVERSATION
    assert line.here.warned_at == line.now


def test_an_answer_is_taken_back_and_another_script_begins_anew() -> None:
    line = talking()
    told(line, opening="yes", task="yes")
    line.act(AnswersAct(script="brushing", withdrawn=["task"]))
    assert line.here.answers == {"opening": "yes"}
    told(line, "loan", opening="later")
    assert (line.here.script, line.here.answers) == ("loan", {"opening": "later"})


def test_answers_are_taken_however_old_the_screen_and_refused_of_a_closed_case() -> None:
    line = talking()
    line.act(AnswersAct(script="loan", answers={"opening": "yes"}), seen=1)
    assert line.here.answers
    line.outcome(Outcome.FALSE_ALARM)
    line.pass_to(line.now.replace(year=line.now.year + 1))
    assert line.state() is CaseState.CLOSED
    decision = line.act(AnswersAct(script="loan", answers={"said": "yes"}))
    assert [fact.kind for fact in decision.facts] == [FactKind.REFUSED]


def test_a_case_has_a_bounded_number_of_answers() -> None:
    line = talking()
    told(line, **{f"q{number}": "a" for number in range(MOST_ANSWERS)})
    decision = line.act(AnswersAct(script="brushing", answers={"one": "more"}))
    assert [fact.kind for fact in decision.facts] == [FactKind.REFUSED]
    assert len(line.here.answers) == MOST_ANSWERS
