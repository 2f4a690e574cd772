"""Merging, splitting and updating register entries without losing history.

Both entries of a merge or split are returned; the caller stores them together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from domain.identity.id_keys import comparable
from domain.identity.identifiers import held, start_of
from schemas.people.residents import Holding, Resident


def merge(keep: Resident, gone: Resident, at: datetime) -> tuple[Resident, Resident]:
    """Merge two entries of one person. Return (keep, gone), both as changed copies: `keep` gets all telephones,
    accounts, trusted contacts and flags of `gone`, and its ID hash and guardian if it has none of its own.

    `gone` becomes a reference to `keep`; its holdings end `at`, which shows when it was merged. Raises ValueError if
    the entries are the same, if one is merged already, if their ID numbers differ or are hashed under different keys,
    or if `keep` would exceed an entry's limits.
    """
    if keep.id == gone.id or keep.merged_into or gone.merged_into:
        raise ValueError("merge two different entries, neither of them merged already")
    hashes = [each for each in (keep.id_hash, gone.id_hash) if each]
    if not comparable(hashes):
        raise ValueError("the entries' ID numbers are hashed under different keys: run `quanzu admin rehash` first")
    if len(set(hashes)) > 1:
        raise ValueError("the entries have different ID numbers: clear the wrong one first")
    signpost = changed(gone, merged_into=keep.id, phones=_ended(gone.phones, at), accounts=_ended(gone.accounts, at))
    return _united(keep, gone), signpost


@dataclass(frozen=True, slots=True)
class Part:
    """The part of an entry that `split` moves to the new entry: the values of telephones (E.164) and of accounts.

    `changes`: the fields of the new entry that differ from the old one (`name`, `birth_year`, …), with their values;
    None: no others.
    """

    phones: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    changes: Mapping[str, object] | None = None


def split(resident: Resident, part: Part, new_id: str, at: datetime | None) -> tuple[Resident, Resident]:
    """Split one entry into two people: the new one holds `part` from `at` on (None: always). Return (old, new), both as
    changed copies.

    The old entry keeps the holdings before `at`, and the hash of the ID number; the new one has a hash only if the
    changes name one. Raises ValueError if the entry is merged, if it does not hold `part`, or if a change is invalid.
    """
    holdings = {each.value for each in (*resident.phones, *resident.accounts)}
    if resident.merged_into or not part.phones | part.accounts <= holdings:
        raise ValueError("split an entry that is not merged, along what it holds")
    phones, new_phones = _parted(resident.phones, part.phones, at)
    accounts, new_accounts = _parted(resident.accounts, part.accounts, at)
    new = {"id": new_id, "phones": new_phones, "accounts": new_accounts, "id_hash": None, **(part.changes or {})}
    return changed(resident, phones=phones, accounts=accounts), changed(resident, **new)


def renewed(old: Resident, new: Resident, at: datetime) -> Resident:
    """Return a copy of the entry `old`, updated by a newer row of the register about the same person (`new`): the id of
    `old` stays, also its ID hash and its merge if the row has none; the other fields are the row's.

    A telephone or account that the row no longer names ends `at`. If the row names it without dates, it keeps its known
    dates; if the person had given it up, it is held again from `at`. Applying a row twice changes nothing more. Raises
    ValueError if the history exceeds an entry's limits.
    """
    return changed(
        new,
        id=old.id,
        phones=_renewed(old.phones, new.phones, at),
        accounts=_renewed(old.accounts, new.accounts, at),
        id_hash=new.id_hash or old.id_hash,
        merged_into=new.merged_into or old.merged_into,
        provisional=new.provisional if old.provisional else None,
    )


def confirms(told: Resident, entry: Resident, at: datetime) -> bool:
    """Return True if a row of the register (`told`) is about the person of the provisional `entry`.

    Both must have the same ID number. If one has none, they must have the same name and share a telephone that both
    hold at `at`: the telephone alone may be a family's. False if `entry` is not provisional, if `told` is, or if either
    is merged.
    """
    if entry.provisional is None or entry.merged_into or told.provisional is not None or told.merged_into:
        return False
    if told.id_hash and entry.id_hash:
        return told.id_hash == entry.id_hash
    phones = {each.value for each in entry.phones if held(each, at)}
    same_phone = any(each.value in phones and held(each, at) for each in told.phones)
    return same_phone and same_name(told, entry)


def same_name(first: Resident, second: Resident) -> bool:
    """Return True if two entries have the same name, apart from spaces and capitals."""
    return _plain(first.name) == _plain(second.name)


def confirmed(entry: Resident, told: Resident) -> Resident:
    """Return a copy of the provisional entry `entry`, completed by the register's row `told`: it keeps its id, so its
    cases stay with it, and is no longer provisional.

    The other fields are those of `told`; the ID hash is that of `entry` if `told` has none. Telephones and accounts of
    both are kept. Raises ValueError if the result exceeds an entry's limits.
    """
    return changed(
        told,
        id=entry.id,
        phones=united([*told.phones, *entry.phones]),
        accounts=united([*told.accounts, *entry.accounts]),
        id_hash=told.id_hash or entry.id_hash,
        provisional=None,
    )


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()


def changed(resident: Resident, **changes: object) -> Resident:
    """Return a validated copy of an entry with changed fields, which are assumed no longer; pydantic's own copy is not
    validated.

    Raises ValueError that names the invalid fields, without their values.
    """
    try:
        known = {"assumed": resident.assumed.difference(changes)}
        return Resident.model_validate({**dict(resident), **known, **changes})
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False))
        raise ValueError("; ".join(wrong)) from None


def _united(keep: Resident, gone: Resident) -> Resident:
    guardian = keep.guardian or gone.guardian
    return changed(
        keep,
        phones=united([*keep.phones, *gone.phones]),
        accounts=united([*keep.accounts, *gone.accounts]),
        contacts=list(dict.fromkeys([*keep.contacts, *gone.contacts])),
        id_hash=keep.id_hash or gone.id_hash,
        flags=keep.flags | gone.flags,
        guardian=None if guardian in (keep.id, gone.id) else guardian,
        **{field.value: getattr(gone, field) for field in keep.assumed - gone.assumed},
    )


def united(holdings: Sequence[Holding]) -> list[Holding]:
    """Return the holdings sorted by value, then by beginning, with overlapping periods of one value joined into one.

    Adjacent periods are joined too if their flags are the same. Empty periods are dropped.
    """
    united: list[Holding] = []
    spans = (each for each in holdings if start_of(each) < _end(each))
    for each in sorted(spans, key=lambda holding: (holding.value, start_of(holding))):
        if united and _continues(united[-1], each):
            united[-1] = _joined(united[-1], each)
        else:
            united.append(each)
    return united


def _continues(first: Holding, second: Holding) -> bool:
    alike = (first.shared, first.primary) == (second.shared, second.primary)
    touch = start_of(second) <= _end(first) if alike else start_of(second) < _end(first)
    return first.value == second.value and touch


def _joined(first: Holding, second: Holding) -> Holding:
    flags = {"shared": first.shared or second.shared, "primary": first.primary or second.primary}
    entered = first.entered if second.entered else None
    return first.model_copy(update={"until": max(first, second, key=_end).until, "entered": entered, **flags})


def _end(holding: Holding) -> float:
    return holding.until.timestamp() if holding.until else float("inf")


def _ended(holdings: Iterable[Holding], at: datetime) -> list[Holding]:
    """Return the holdings cut off at `at`; those that would begin later are left out."""
    return [
        each.model_copy(update={"until": at}) if each.until is None or each.until > at else each
        for each in holdings
        if each.since is None or each.since < at
    ]


def _begun(holdings: Iterable[Holding], at: datetime) -> list[Holding]:
    """Return the holdings limited to `at` and later; those that have ended are left out."""
    return [
        each.model_copy(update={"since": at}) if each.since is None or each.since < at else each
        for each in holdings
        if each.until is None or each.until > at
    ]


def _parted(
    holdings: Sequence[Holding], values: frozenset[str], at: datetime | None
) -> tuple[list[Holding], list[Holding]]:
    taken = [each for each in holdings if each.value in values]
    rest = [each for each in holdings if each.value not in values]
    return (rest, taken) if at is None else (rest + _ended(taken, at), _begun(taken, at))


def _renewed(old: Sequence[Holding], new: Sequence[Holding], at: datetime) -> list[Holding]:
    said = [_dated(each, old, at) for each in united(new)]
    history = [each for each in old if not any(_overlap(each, told) for told in said)]
    return said + _ended(history, at)


def _dated(told: Holding, old: Sequence[Holding], at: datetime) -> Holding:
    before = [each for each in old if each.value == told.value]
    if told.since or told.until or not before:
        return told
    now = next((each for each in before if held(each, at)), None)
    if now and now.since is now.until is None:
        return told
    return told.model_copy(update={"since": now.since, "until": now.until} if now else {"since": at})


def _overlap(one: Holding, other: Holding) -> bool:
    return one.value == other.value and start_of(one) < _end(other) and start_of(other) < _end(one)
