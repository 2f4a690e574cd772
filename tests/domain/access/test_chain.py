"""The audit's chains: what was changed, dropped, put in or put elsewhere is found; what was not touched is whole."""

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.access.audit_chain import Check, End, Line, Verified, head, is_signed_with, link, verify
from domain.access.key_rings import KeyRing
from schemas.administration.audit import AuditEntry, ChainFaultKind
from tests.tampering import TAMPERINGS, Log, audit, changed, dropped, entry, single

KEY = KeyRing((b"the key",))
TAMPERED = 1000
SEEDS = st.integers(0, 2**32)
CHAIN, OTHER = "a" * 16, "b" * 16


def looked(log: Log, lines: list[Line] | None = None) -> Verified:
    """A look at the log, with the heads that were put aside."""
    return verify(log.lines if lines is None else lines, KEY, list(log.heads.values()))


def alone(*numbers: int) -> Log:
    """A chain of single lines."""
    log, end = Log(KEY), End(CHAIN)
    for number in numbers:
        end = log.write(end, [entry(number)], Random(1), naming=False)
    return log


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_an_untouched_audit_is_whole_whoever_wrote_it_in_which_order(seed: int) -> None:
    log = audit(seed)
    found = looked(log)
    assert found.faults == ()
    assert (found.lines, found.chains) == (len(log.lines), len(log.heads))


def test_of_a_thousand_random_tamperings_all_are_found_and_none_where_nothing_was_done() -> None:
    chance, found, done = Random(4), Counter[str](), Counter[str]()
    logs = [audit(seed) for seed in range(40)]
    assert not any(looked(log).faults for log in logs)
    for number in range(TAMPERED):
        log, tamper = chance.choice(logs), TAMPERINGS[number % len(TAMPERINGS)]
        lines = tamper(chance, log.lines)
        assert lines != log.lines
        done[tamper.__name__] += 1
        found[tamper.__name__] += bool(looked(log, lines).faults)
    print(f"tamperings {done.total()}, found {found.total()}: {dict(found)}")
    assert found == done


@given(SEEDS, st.data())
@settings(max_examples=200, deadline=None)
def test_a_single_byte_that_is_another_is_found_wherever_it_is(seed: int, data: st.DataObject) -> None:
    log = audit(seed % 20)
    place = data.draw(st.sampled_from(single(log.lines)))
    raw = bytearray(log.lines[place].value or b"")
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    lines = list(log.lines)
    lines[place] = lines[place]._replace(value=bytes(raw))
    assert looked(log, lines).faults


def test_a_changed_line_is_named_by_its_chain_its_number_and_its_place() -> None:
    log = alone(1, 2, 3, 4)
    lines = list(log.lines)
    lines[2] = lines[2]._replace(value=(lines[2].value or b"").replace(b"operator-3", b"operator-4"))
    fault = looked(log, lines).faults[0]
    assert (fault.kind, fault.chain, fault.number, fault.offset) == (ChainFaultKind.CHANGED, CHAIN, 3, 2)
    assert "offset 2" in fault.words


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_dropped_line_is_the_first_that_is_named(seed: int) -> None:
    log, chance = audit(seed % 50), Random(seed)
    lines = dropped(chance, log.lines)
    values = Counter(line.value for line in log.lines) - Counter(line.value for line in lines)
    gone = AuditEntry.model_validate_json(next(iter(values)) or b"").link
    fault = looked(log, lines).faults[0]
    assert gone is not None
    assert (fault.kind, fault.chain, fault.number) == (ChainFaultKind.MISSING, gone.chain, gone.number)


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_the_place_of_a_changed_line_is_told(seed: int) -> None:
    log, chance = audit(seed % 50), Random(seed)
    lines = changed(chance, log.lines)
    place = next(line.offset for line, before in zip(lines, log.lines, strict=True) if line != before)
    assert looked(log, lines).faults[0].offset == place


def test_a_line_that_stands_elsewhere_is_told_so_and_not_as_missing() -> None:
    log = alone(1, 2, 3, 4)
    lines = [log.lines[place] for place in (0, 2, 1, 3)]
    lines = [line._replace(offset=place) for place, line in enumerate(lines)]
    fault = looked(log, lines).faults[0]
    assert (fault.kind, fault.number) == (ChainFaultKind.ELSEWHERE, 2)


def test_two_lines_of_different_chains_that_changed_places_are_found_by_where_kafka_had_put_them() -> None:
    log, chance = Log(KEY), Random(1)
    one, two = End(CHAIN), End(OTHER)
    for number in range(3):
        one = log.write(one, [entry(number)], chance, naming=False)
        two = log.write(two, [entry(number + 9)], chance, naming=False)
    lines = list(log.lines)
    lines[2], lines[3] = lines[3]._replace(offset=2), lines[2]._replace(offset=3)
    found = looked(log, lines).faults
    assert {fault.kind for fault in found} == {ChainFaultKind.ELSEWHERE}
    assert {(fault.chain, fault.number) for fault in found} == {(CHAIN, 2), (OTHER, 2)}


def test_lines_that_their_writer_sent_again_are_counted_and_no_fault() -> None:
    values, end = link([entry(1), entry(2), entry(3)], End(CHAIN), KEY)
    keys = [entry(number).by.encode() for number in (1, 2, 3)]
    sent = list(zip(keys, values, strict=True))
    lines = [Line(place, *each) for place, each in enumerate([*sent, *sent[1:]])]
    found = verify(lines, KEY, [head(end, entry(3).at, KEY)])
    assert (found.faults, found.repeats) == ((), 2)


def test_a_line_that_stands_again_behind_its_followers_is_a_fault() -> None:
    log = alone(1, 2, 3)
    again = log.lines[0]._replace(offset=3)
    fault = looked(log, [*log.lines, again]).faults[0]
    assert (fault.kind, fault.number, fault.offset) == (ChainFaultKind.REPEATED, 1, 3)


def test_a_chain_that_was_cut_out_is_missed_by_another_that_has_named_it_without_any_head_kept_elsewhere() -> None:
    log, chance = Log(KEY), Random(1)
    log.write(End(CHAIN), [entry(0)], chance, naming=False)
    log.write(End(OTHER), [entry(7)], chance, naming=True)
    left = [line._replace(offset=place) for place, line in enumerate(log.lines[1:])]
    fault = verify(left, KEY).faults[0]
    assert (fault.kind, fault.chain) == (ChainFaultKind.MISSING, CHAIN)


def test_a_tail_that_is_gone_is_told_by_the_head_that_was_put_aside() -> None:
    log = alone(1, 2, 3)
    assert not verify(log.lines[:2], KEY).faults
    fault = looked(log, log.lines[:2]).faults[0]
    assert (fault.kind, fault.chain, fault.number) == (ChainFaultKind.MISSING, CHAIN, 3)


def test_a_head_made_without_the_key_is_none_of_ours() -> None:
    log = alone(1)
    false = head(End(CHAIN, 9, "f" * 64, 9), entry(1).at, KeyRing((b"another key",)))
    assert is_signed_with(log.heads[CHAIN], KEY)
    assert not is_signed_with(false, KEY)
    assert [fault.kind for fault in verify(log.lines, KEY, [false]).faults] == [ChainFaultKind.FOREIGN]


def test_older_lines_without_a_chain_are_counted_and_one_behind_the_first_chained_line_is_a_fault() -> None:
    log = Log(KEY)
    log.older(5)
    log.write(End(CHAIN), [entry(9)], Random(1), naming=False)
    assert (looked(log).before, looked(log).faults) == (5, ())
    log.older(1)
    assert [fault.kind for fault in looked(log).faults] == [ChainFaultKind.UNCHAINED]


def test_what_is_no_entry_at_all_is_found_too() -> None:
    log = alone(1, 2)
    assert [fault.kind for fault in looked(log, [*log.lines, Line(2, b"x", b"{")]).faults] == [ChainFaultKind.UNCHAINED]
    assert [fault.kind for fault in looked(log, [*log.lines, Line(2, None, None)]).faults] == [ChainFaultKind.UNCHAINED]


def test_an_empty_audit_is_whole() -> None:
    assert Check(KEY).end() == Verified(0, 0, 0, 0, 0, ())
