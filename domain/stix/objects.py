"""The STIX 2.1 objects that this centre shares: its identity, the marks of TLP 2.0, an indicator for each suspect."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from domain.stix.patterns import Kind, pattern_of
from schemas.risk.sharing import SharedSuspect, Tlp

SHARED_FOR = timedelta(days=180)  # assumed: until a suspect is confirmed again
HIGH_CONFIDENCE = 85  # "High" of the scale None, Low, Med, High (STIX 2.1, appendix A): an authority has confirmed it
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)  # of objects that never change
OURS = UUID("6f0bb9a4-6c6f-5f0e-9d5e-3a6f6c1f0a52")  # the namespace of ids that are made of names
Stix = dict[str, Any]

_TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_TLP_MADE = "2022-10-01T00:00:00.000Z"
MARKINGS: Mapping[Tlp, str] = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
"""The ids of the marks of TLP 2.0, as OASIS publishes them (cti-stix-common-objects, tlp-2.0)."""


def stix_time(at: datetime) -> str:
    """Return a time as STIX writes it: in UTC, with milliseconds (cut off), such as 2026-03-01T03:12:00.000Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def identity_id(centre: str) -> str:
    """Return the STIX id of the identity of the centre with this name. It is derived from the name, so it is the same
    in each process and after each restart.
    """
    return f"identity--{uuid5(OURS, f'identity {centre}')}"


def identity_of(centre: str) -> Stix:
    """Return the STIX identity object of the centre with this name: by it, others know the source of its indicators."""
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": identity_id(centre),
        "created": stix_time(BEGAN),
        "modified": stix_time(BEGAN),
        "name": centre,
        "identity_class": "organization",
    }


def marking_of(tlp: Tlp) -> Stix:
    """Return the STIX marking object for a level of TLP 2.0, as OASIS publishes it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": MARKINGS[tlp],
        "created": _TLP_MADE,
        "name": f"TLP:{tlp.upper()}",
        "extensions": {_TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.value}},
    }


def indicator_id(suspect: SharedSuspect) -> str:
    """Return the STIX id of a suspect's indicator, derived from the suspect and the time from which it has been shared.
    A suspect that is shared again after a withdrawal gets another id, because a withdrawal is final (STIX 2.1, 3.2:
    revoked).
    """
    return f"indicator--{uuid5(OURS, f'{suspect.id} {stix_time(suspect.since)}')}"


def indicator_of(suspect: SharedSuspect, centre: str) -> Stix:
    """Return the STIX indicator of a suspect, made by the centre with this name. It is valid from the time since which
    the suspect has been shared until 180 days after the latest decision about it; it is marked as revoked if the
    suspect is withdrawn.
    """
    kind = cast("Kind", suspect.id.partition(":")[0])
    revoked: Stix = {"revoked": True} if suspect.revoked else {}
    labels: Stix = {"labels": [suspect.scam_type]} if suspect.scam_type else {}
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": indicator_id(suspect),
        "created_by_ref": identity_id(centre),
        "created": stix_time(suspect.since),
        "modified": stix_time(suspect.at),
        **revoked,
        **labels,
        "confidence": HIGH_CONFIDENCE,
        "object_marking_refs": [MARKINGS[suspect.tlp]],
        "indicator_types": ["malicious-activity"],
        "pattern": pattern_of(kind, suspect.suspect),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": stix_time(suspect.since),
        "valid_until": stix_time(suspect.at + SHARED_FOR),
    }


def valid(suspect: SharedSuspect, now: datetime) -> bool:
    """Return True if the suspect's indicator still exists for others at `now`: until 180 days after the latest decision
    about the suspect, also if it is withdrawn.
    """
    return now < suspect.at + SHARED_FOR
