"""Valid examples of all that comes in: what the mutations begin with. The people are made up."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from domain.policy import Policy, load

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
AT = "2026-03-01T11:12:00+08:00"
RESIDENT = "raaaaaaaaaaaaaaaa"
CASE = f"{RESIDENT}-1"
ID_NUMBER = "990101198001010014"  # a valid check digit, and a region that is none
POLICY = (ROOT / "deploy/policy/jilin.toml").read_text("utf-8")

SIGNALS: list[dict[str, Any]] = [
    {
        "kind": "transfer",
        "source": "bank",
        "id": "t1",
        "at": AT,
        "payer": "6222 0000 0000 0001",
        "payee": "6222-0000-0000-0002",
        "amount_fen": 4_980_000,
        "channel": "mobile_bank",
        "state": "pending",
        "balance_fen": 5_000_000,
        "new_payee": True,
    },
    {
        "kind": "call",
        "source": "bank",
        "id": "c1",
        "at": AT,
        "caller": "+85200000000",
        "called": "199 0000 0001",
        "seconds": 2400,
        "ongoing": True,
        "number_class": "spoofed",
    },
    {"kind": "sms", "source": "bank", "id": "s1", "at": AT, "sender": "10690000", "receiver": "19900000001"},
    {
        "kind": "app",
        "source": "bank",
        "id": "a1",
        "at": AT,
        "phone": "19900000001",
        "app_kind": "meeting",
        "target": "a.example",
    },
    {
        "kind": "report",
        "source": "bank",
        "id": "r1",
        "at": AT,
        "phone": "19900000001",
        "suspect_account": "6222000000000002",
        "amount_fen": 100,
        "note": "made up",
    },
    {
        "kind": "watchlist",
        "source": "bank",
        "id": "w1",
        "at": AT,
        "subject": "account",
        "value": "6222000000000002",
        "state": "confirmed",
        "scam_type": "investment",
    },
]

PAYMENT = {"transfer": "bank:t1", "payee": "apayee", "amount_fen": 4_980_000, "at": AT, "state": "pending"}
PROFILE = {
    "birth_year": 1958,
    "sex": "female",
    "occupation": "retired",
    "division": "220104",
    "language": "zh",
    "balance": "middle",
    "contacts": 2,
}
DANGER = {
    "level": "red",
    "probability": 0.9,
    "exposure_fen": 5_000_000,
    "scam_type": "investment",
    "reasons": [{"code": "payment_under_way", "kind": "suspect_payee", "amount_fen": 5_000_000, "at": AT}],
    "campaign": "k-apayee",
    "call_since": AT,
}
_INPUT = {"at": AT, "resident": RESIDENT}
_OF_CASE = {**_INPUT, "case": CASE}
_REPORT = {**_OF_CASE, "kind": "operator_report", "by": "operator-1", "seen": 9}
_OUTCOME = {
    "do": "outcome",
    "outcome": "dissuaded",
    "kept": [{"transfer": "bank:t1", "evidence": "C", "amount_fen": 100}],
    "lost_fen": 5,
    "note": "hung up",
}
_ACTS: list[dict[str, Any]] = [
    _OUTCOME,
    {"do": "lower", "level": "blue", "reason": "a mistake"},
    {"do": "call_again", "when": AT},
    {"do": "send_officer", "reason": "asks for it"},
    {"do": "ask_stop", "transfer": "bank:t1"},
    {"do": "release_stop", "transfer": "bank:t1", "reason": "hardship"},
    {"do": "tell_contact", "contact": 0},
    {"do": "claim"},
    {"do": "unclaim"},
    {"do": "note", "what": "conversation", "note": "said"},
    {"do": "close", "reason": "over"},
    {
        "do": "start_search",
        "search": "s1",
        "ground": "life",
        "missing_since": AT,
        "hours": 2,
        "places": [{"number": "p1", "officer": "officer-1"}],
    },
    {"do": "stop_search", "search": "s1", "ground": "mistake"},
    {"do": "admit_third_party", "kind": "contact", "party": "0"},
    {"do": "admit_third_party", "kind": "bank", "party": "icbc", "emergency": "life_at_risk"},
    {"do": "hand_over_call", "to": "han"},
    {"do": "recorded_call", "id": "a" * 20, "written_ms": 1_772_000_000_000, "seconds": 61.5},
]
_DISPATCH_ID = f"{CASE}:red.visit:1:visit"
HOLD = {"id": "h1", "until": "2026-03-02T00:00:00Z", "reason": "a test", "by": "li", "channel": "sms"}
TOLD = {
    "source": "96110",
    "report": "f1",
    "told_in": "c1",
    "paid_by": "third_party",
    "holder": "某某",
    "reference": "7",
}
INPUTS: list[dict[str, Any]] = [
    {
        **_INPUT,
        "kind": "alert",
        "id": "a1",
        "danger": DANGER,
        "payments": [PAYMENT],
        "profile": PROFILE,
        "signal_at": AT,
    },
    {
        **_OF_CASE,
        "kind": "contact_result",
        "id": "x1",
        "dispatch": f"{CASE}:red.sms:1:sms",
        "step": "red.sms",
        "attempt": 1,
        "action": "flash_sms",
        "result": "delivered",
        "why": {"code": "provider_said", "text": "ok"},
    },
    *({**_REPORT, "id": f"o{number}", "act": act} for number, act in enumerate(_ACTS)),
    {
        **_OF_CASE,
        "kind": "officer_report",
        "id": "v1",
        "by": "officer-1",
        "dispatch": _DISPATCH_ID,
        "step": "red.visit",
        "attempt": 1,
        "stage": "done",
        "place": "220104",
        "checklist": {"chats": True},
        "outcome": _OUTCOME,
        "note": "at the door",
    },
    {
        **_OF_CASE,
        "kind": "place_report",
        "id": "w1",
        "by": "officer-1",
        "search": "s1",
        "number": "p1",
        "state": "not_there",
    },
    {**_OF_CASE, "kind": "deadline", "id": "d1", "step": "red.robot", "due": AT},
    {
        **_OF_CASE,
        "kind": "bank_feedback",
        "id": "b1",
        "dispatch": f"{CASE}:stop.0:1:payment",
        "transfer": "bank:t1",
        "state": "in_force",
        "amount_fen": 100,
        "until": AT,
    },
    {**_INPUT, "kind": "victim_report", "id": "y1", "amount_fen": 100, "transfer": "bank:t1"},
    {"kind": "policy_change", "id": "p1", "at": AT, "policy": "0" * 16, "by": "li"},
    {"kind": "hold_change", "id": "h1", "at": AT, "hold": HOLD, "lift": None},
    {"kind": "hold_change", "id": "h2", "at": AT, "hold": HOLD, "lift": "release"},
    {
        **_INPUT,
        "kind": "payment_report",
        "id": "r1",
        "by": "operator-1",
        "role": "operator",
        "payment": {**PAYMENT, "transfer": "reported:1", "institution": "icbc", "reported": TOLD},
        "profile": PROFILE,
        "note": "told on the telephone",
    },
    {
        **_OF_CASE,
        "kind": "evidence_report",
        "id": "e1",
        "by": "operator-1",
        "files": [{"id": "0" * 20, "at": AT, "by": "operator-1", "original": "0" * 64, "written_ms": 0}],
    },
    {
        **_INPUT,
        "kind": "resident_reply",
        "id": "y1",
        "dispatch": f"{CASE}:red.flash:1:sms",
        "sender": "resident",
        "text": "TD",
    },
]

DISPATCH: dict[str, Any] = {
    "id": f"{CASE}:red.flash:1:sms",
    "case": CASE,
    "resident": RESIDENT,
    "step": "red.flash",
    "attempt": 1,
    "action": "flash_sms",
    "level": "red",
    "at": AT,
    "due": AT,
    "not_after": "2099-01-01T00:00:00Z",
    "language": "zh",
    "scam_type": "investment",
    "payment": PAYMENT,
    "division": "220104001",
    "because": {"code": "busy_during_call"},
}
RECEIPTS: dict[str, dict[str, Any]] = {
    "sms": {"id": "1", "dispatch": f"{CASE}:red.flash:1:sms", "result": "delivered", "detail": "ok"},
    "voice": {"id": "1", "dispatch": f"{CASE}:red.robot:1:phone", "result": "answered", "key": "1"},
    "bank": {
        "id": "1",
        "dispatch": f"{CASE}:stop.0:1:payment",
        "transfer": "bank:t1",
        "state": "in_force",
        "amount_fen": 100,
        "until": AT,
    },
    "station": {
        "id": "1",
        "dispatch": _DISPATCH_ID,
        "officer": "officer-1",
        "stage": "done",
        "place": "220104",
        "checklist": {"chats": True},
        "outcome": _OUTCOME,
    },
}
RESIDENTS: list[dict[str, Any]] = [
    {
        "id": RESIDENT,
        "name": "某某",
        "phones": [{"value": "+8619900000001", "since": AT, "until": None, "shared": True, "primary": False}],
        "accounts": [{"value": "6222000000000001"}],
        "id_hash": "a" * 26,
        "birth_year": 1958,
        "sex": "female",
        "occupation": "retired",
        "division": "220104",
        "address": "示例路1号",
        "contacts": [{"name": "亲友", "phone": "+8619900000002", "relation": "亲友"}],
        "merged_into": None,
    }
]
WATCH_ENTRY: dict[str, Any] = {
    "subject": "account:apayee",
    "standing": "confirmed",
    "at": AT,
    "scam_type": "investment",
    "uid": "bank:w1",
    "partition": 0,
    "offset": 7,
}
_OFFICER = {
    "id": "officer-1",
    "name": "某警官",
    "role": "officer",
    "division": "220104",
    "shifts": [{"start": AT, "end": "2026-03-02T00:00:00Z"}],
}
ROSTER: dict[str, Any] = {"station": "station-1", "officers": [_OFFICER]}
TASK: dict[str, Any] = {
    "dispatch": _DISPATCH_ID,
    "case": CASE,
    "resident": RESIDENT,
    "officer": "officer-1",
    "at": AT,
    "state": "open",
}
STEP: dict[str, Any] = {
    "id": "red.flash",
    "action": "flash_sms",
    "state": "sent",
    "due": AT,
    "attempt": 1,
    "not_after": AT,
    "results": ["sent"],
    "because": {"code": "said", "text": "so"},
}
CASE_STATE: dict[str, Any] = {
    "id": CASE,
    "resident": RESIDENT,
    "number": 1,
    "version": 2,
    "policy": "0" * 16,
    "state": "contacting",
    "level": "red",
    "danger": DANGER,
    "profile": PROFILE,
    "opened_at": AT,
    "updated_at": AT,
    "steps": [STEP],
    "payments": [{**PAYMENT, "stop": {"state": "asked", "times": 1, "until": AT}}],
    "kept": {"bank:t1": {"evidence": "C", "amount_fen": 5}},
    "frozen": {"bank:t1": 5},
    "losses": [{"id": "unnamed", "amount_fen": 5, "at": AT, "after_warning_days": 1.5}],
    "warned_at": AT,
}
EVENTS: list[dict[str, Any]] = [
    {
        "kind": "case",
        "commit": {"first": 3, "last": 3, "entries": 1, "log": 0, "code": "0"},
        "id": "e1",
        "input": "d:x:y:1767225600000",
        "input_kind": "deadline",
        "partition": 0,
        "offset": 3,
        "at": AT,
        "case": CASE_STATE,
        "facts": [
            {
                "kind": "result",
                "what": {"code": "result_noted", "action": "flash_sms", "attempt": 1, "result": "sent"},
                "step": "red.flash",
                "action": "flash_sms",
                "result": "sent",
            }
        ],
        "dispatches": [DISPATCH],
    },
    {
        "kind": "standing",
        "commit": {"first": 4, "last": 4, "entries": 1, "log": 0, "code": "0"},
        "input": "p1",
        "partition": 0,
        "offset": 4,
        "at": AT,
        "policy": "0" * 16,
        "holds": [HOLD],
    },
]

RESIDENTS_HEADING = "name,phones,accounts,id_number,occupation,division,address,contacts,flags,birth_year,sex"
RESIDENT_ROWS = [
    f"安某,+8614200000001@2019-05-01..2023-08-31*;+8614200000003,6222000000000001,{ID_NUMBER},retired,220102,"
    "示例路1号,某某|+8614250000001|家属,,,",
    '"卞,某",14200000002,,,farmer,220102001,"路 ""二"" 号",,hard_of_hearing,1960,男',
]
AMLSIM = "sourceNodeId,targetNodeId,value,time\n1,2,12.34,3\n4,5,1e3,0\n"
CDR = (
    "RecordID,EventTimestamp,Direction,EventType,CallingNumber,CalledNumber,DurationSec\n"
    "1,2026-03-01 11:12:00,MT,VOICE,+85200000000,19900000001,60\n"
    "2,2026-03-01T11:12:00+08:00,MO,SMS,19900000001,10690000,0\n"
)


@cache
def policy() -> Policy:
    """Jilin's policy, as it is deployed."""
    return load(POLICY)
