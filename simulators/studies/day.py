"""One day of a whole province at the real pace: people, scams, contacts, and everyday evidence.

Scams that begin on the day are followed to their end, which gives as many events as a day has from old and new scams.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from threading import RLock

import numpy as np

from domain.policy.risk import RiskRules
from schemas.levels import Action
from schemas.risk.signals import Signal
from simulators.assumptions.pace import DAY_HOURS, REAL
from simulators.population.census import Census
from simulators.scams.everyday import everyday
from simulators.scams.schedule import scam_hours
from simulators.scams.story import Opened, Phase, Story
from simulators.world.contacts import Contacts
from simulators.world.province import START
from simulators.world.traces import moments, trace
from simulators.world.truth import Life, Truth

Counts = Mapping[str, Mapping[str, int]]
_SMS_AFTER, _ROBOT_AFTER = timedelta(minutes=5), timedelta(minutes=25)  # after the first trace; assumed
_OPERATOR_AFTER, _OFFICER_AFTER = timedelta(minutes=2), timedelta(minutes=5)  # after the first payment; assumed
_LONG_AFTER = timedelta(days=365)  # every story of the day has ended by then
_STEPS = {"Ring": "calls", "Message": "messages", "Opened": "sites", "Pay": "payments", "Tell": "reports"}


def day(seed: int, residents: int, rules: RiskRules) -> Counts:
    """Simulate one day of a province with `residents` residents at the real pace. Return the counts, keyed by subject,
    then by kind. Equal arguments give equal counts.

    The subjects are people, scams, types, steps, signals, contacts, money_fen (sums in fen) and everyday. `rules`
    decide which everyday events are evidence and are counted.
    """
    census = Census(seed, residents, START.date())
    hours = islice(scam_hours(seed, census.at_risk(), residents, START, REAL), DAY_HOURS)
    stories = [story for hour in hours for story in hour.stories]
    truth = Truth({story.victim.id: Life(story) for story in stories})
    _contact(Contacts(seed, [story.victim for story in stories], truth, RLock()), truth)
    return {
        "people": {"residents": len(census), "hooked": len(stories), "persuaded": _persuaded(truth)},
        "scams": Counter(_depth(story) for story in stories),
        "types": Counter(story.scam_type for story in stories),
        "steps": Counter(_STEPS[type(beat).__name__] for story in stories for beat in story.events),
        "signals": Counter(signal.kind for signal in _signals(truth)),
        "contacts": Counter(contact.action for contact in truth.contacts),
        "money_fen": _money(truth),
        "everyday": _everyday(seed, census, rules),
    }


def _depth(story: Story) -> str:
    if story.payments:
        return "asked for money"
    return "courted" if any(beat.phase is Phase.TRUST for beat in story.events) else "touched"


def _contact(contacts: Contacts, truth: Truth) -> None:
    """Warn every victim whom a feed has seen, and call and visit everyone who begins to pay. Contacts are recorded in
    `truth`.

    This is not a policy: it only makes as many contacts as a policy would.
    """
    for life in truth.lives.values():
        story, name = life.story, f"{life.story.victim.id}-1"
        seen = next((beat.at for beat in story.events if not isinstance(beat, Opened) or beat.known), None)
        if seen is not None:
            contacts.answer(f"{name}:day.sms:1:sms", Action.SMS, seen + _SMS_AFTER)
            contacts.answer(f"{name}:day.call:1:phone", Action.ROBOT_CALL, seen + _ROBOT_AFTER)
        if story.payments and not life.persuaded(story.payments[0].at):
            contacts.talk(name, story.payments[0].at + _OPERATOR_AFTER)
            contacts.visit(f"{name}:day.visit:1:visit", story.payments[0].at + _OFFICER_AFTER)


def _signals(truth: Truth) -> Iterator[Signal]:
    """Yield the signals of the scams."""
    for life in truth.lives.values():
        for beat in life.story.events:
            told = (trace(life, beat, at, truth) for at in moments(beat))
            yield from (signal for signal in told if signal is not None)


def _persuaded(truth: Truth) -> int:
    return sum(life.persuaded_at is not None for life in truth.lives.values())


def _money(truth: Truth) -> Mapping[str, int]:
    lives, after = truth.lives.values(), START + _LONG_AFTER
    return {
        "asked": sum(life.story.asked_fen for life in lives),
        "kept": sum(truth.kept_fen(life, after) for life in lives),
    }


def _everyday(seed: int, census: Census, rules: RiskRules) -> Mapping[str, int]:
    """Return the numbers of everyday events that are evidence, by kind; and `residents`, the number of residents
    concerned.
    """
    acts = round(REAL.ordinary(len(census)) * DAY_HOURS)
    found = list(everyday(seed, census, acts, rules))
    about = np.unique(np.concatenate([act.rows for act in found]))
    return {**{act.kind: len(act.rows) for act in found}, "residents": len(about)}
