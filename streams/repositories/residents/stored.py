"""The compact format of a register entry in Redis, which has tens of millions of entries.

An entry is a JSON list of its fields in the model's order, without the id, which is the field of the hash. A default
value is null, trailing nulls are left out, and a telephone or account without a period or sharing is its bare value: a
third of the size of the JSON on the topic. A value's owners are the resident's bare id if one resident has always held
it, else a JSON list of owners, each a list that begins with the resident's id. New fields may be added at the model's
end: versions that do not know them skip them. The topic's JSON format can be read too. Called by register.py.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import orjson

from domain.identity.identifiers import Owner, holders
from schemas.base import ANY_VERSION
from schemas.people.residents import Holding, Resident, ResidentId, TrustedContact

Index = Literal["phones", "accounts", "idhashes"]
Fields = Mapping[str, Any]
"""An entry's fields as in its JSON; a missing field has its default."""

_FIELDS = tuple(name for name in Resident.model_fields if name != "id")
OWNER_PARTS = 6  # parts of an owner in a list: resident, since, until, shared, primary, entered
_HOLDING, _CONTACT = tuple(Holding.model_fields), tuple(TrustedContact.model_fields)
_DEFAULTS: Fields = {
    name: field.get_default(call_default_factory=True)
    for model in (Holding, Resident)
    for name, field in model.model_fields.items()
    if not field.is_required()
}
_USUAL: Fields = {name: sorted(each) if isinstance(each, frozenset) else each for name, each in _DEFAULTS.items()}
_USUALS = [(name, _USUAL.get(name)) for name in _FIELDS]
_HELD = [(name, _USUAL.get(name)) for name in _HOLDING]
_ALWAYS = [usual for _, usual in _HELD[1:]]  # the parts of a value that the resident has always held alone


def packed(raw: bytes) -> bytes:
    """Return an entry in Redis's compact format (a JSON list). `raw`: the entry's JSON on the topic. Raises ValueError
    if `raw` is not JSON.
    """
    return _packed(orjson.loads(raw))


def unpacked(entry: ResidentId, raw: bytes) -> Resident:
    """Return the resident in an entry of Redis (`raw`); the topic's JSON is read too. `entry`: the resident's id.
    Raises ValueError if `raw` is invalid.
    """
    return Resident.model_validate({"id": entry, **_fields(raw)}, extra=ANY_VERSION)


def owners_of(entry: ResidentId, raw: bytes | None) -> dict[tuple[Index, str], str]:
    """Return the text that Redis stores as owners of each phone, account and ID hash in an entry, by (kind, value).
    `raw`: the entry in Redis's format. Empty if the entry is merged, or `raw` is None.

    Parses plain JSON, because the entry was validated when it was written, and each write calls this twice.
    """
    fields = _fields(raw) if raw else {}
    if not fields or fields.get("merged_into"):
        return {}
    spans: dict[tuple[Index, str], list[list[object]]] = defaultdict(list)
    for holding in fields.get("phones", ()):
        spans["phones", holding["value"]].append(_owner(entry, holding))
    for holding in fields.get("accounts", ()):
        spans["accounts", holding["value"]].append(_owner(entry, holding))
    if fields.get("id_hash"):
        spans["idhashes", fields["id_hash"]].append([entry])
    return {where: _written(owners) for where, owners in spans.items()}


def holder_at(raw: bytes, at: datetime) -> ResidentId | None:
    """Return the id of the resident who held a value at `at`, or None if nobody did. If several did: a primary holder
    before others, then one of the register before one whom another place told of, then the one whose holding began last
    (see `holders`). `raw`: the value's owners as Redis stores them.

    Called for each signal. The fast path is a value that one resident has always held, which is nearly always so.
    """
    return next(iter(holders(read_owners(raw), at)), None) if raw.startswith(b"[") else raw.decode()


def read_owners(raw: bytes) -> list[Owner]:
    """Return the owners of a value, in the stored order. `raw`: the owners as Redis stores them."""
    return (
        [_read_owner(*each[:OWNER_PARTS]) for each in orjson.loads(raw)]
        if raw.startswith(b"[")
        else [_read_owner(raw.decode())]
    )


def _packed(fields: Fields) -> bytes:
    values = [_short(name, usual, fields.get(name)) for name, usual in _USUALS]
    while values[-1] is None:
        values.pop()
    return orjson.dumps(values)


def _short(name: str, usual: Any, value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    if value is None or value == usual:
        return None
    shorten = _SHORTEN.get(name)
    return [shorten(each) for each in value] if shorten else value


def _short_holding(holding: Fields) -> str | list[Any]:
    value, *rest = [holding.get(name, usual) for name, usual in _HELD]
    return str(value) if rest == _ALWAYS else [value, *rest]


def _short_contact(contact: Fields) -> list[Any]:
    return [contact[part] for part in _CONTACT]


_SHORTEN: Mapping[str, Callable[[Fields], Any]] = {
    "phones": _short_holding,
    "accounts": _short_holding,
    "contacts": _short_contact,
}


def _fields(raw: bytes) -> dict[str, Any]:
    """Return an entry's fields by name, without the id; the topic's JSON format includes the id."""
    read = orjson.loads(raw)
    if isinstance(read, dict):
        return read
    fields = {name: value for name, value in zip(_FIELDS, read, strict=False) if value is not None}
    for name in ("phones", "accounts"):
        if name in fields:
            fields[name] = [_long_holding(holding) for holding in fields[name]]
    if "contacts" in fields:
        fields["contacts"] = [dict(zip(_CONTACT, contact, strict=False)) for contact in fields["contacts"]]
    return fields


def _long_holding(holding: str | list[Any]) -> Fields:
    return {"value": holding} if isinstance(holding, str) else dict(zip(_HOLDING, holding, strict=False))


def _owner(resident: ResidentId, holding: Fields) -> list[object]:
    """Return an owner as a JSON list: only the resident's id if all other parts have their defaults."""
    rest = [holding.get(name, usual) for name, usual in _HELD[1:]]
    return [resident] if rest == _ALWAYS else [resident, *rest]


def _written(owners: Iterable[list[object]]) -> str:
    match owners:
        case [[resident]]:
            return str(resident)
        case _:
            return orjson.dumps(owners).decode()


def _read_owner(
    resident: ResidentId,
    since: str | None = None,
    until: str | None = None,
    shared: bool = False,
    primary: bool = True,
    entered: str | None = None,
) -> Owner:
    began, ended, told = (datetime.fromisoformat(each) if each else None for each in (since, until, entered))
    return Owner(resident, began, ended, shared, primary, told)
