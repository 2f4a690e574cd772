"""The audit topic: what people and watchers did or found, for whoever asks later."""

from schemas.base import Model, Note, Text, Token, When


class AuditEntry(Model):
    """By whom (a person, or a part of Quanzu such as `auditor`), what, on what and why. No personal data."""

    at: When
    by: Text
    act: Token  # drain, letter-dropped, feed-silent, policy-stopped, ...
    on: Text  # what it was done to: a letter's id, a source, a case, a policy's hash
    reason: Note = ""
    detail: Note = ""  # of what exactly, such as the digest of what was sent
