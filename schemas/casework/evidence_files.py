"""Evidence files of a case: pictures of chats, receipts and call lists, encoded anew by Quanzu before they are stored.

A case lists its files; the pictures are on the topic evidence-files. File names are not stored anywhere.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Base64Bytes, Field, StringConstraints

from schemas.base import Model, Text, When

MOST_FILES = 24  # of a case
MOST_AT_ONCE = 6  # in one form

FileId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{20}$")]
"""The id of an evidence file, 20 hexadecimal digits made of its case and content: a repeated file has the same."""


class EvidenceFile(Model):
    """A picture that was added to a case. `original`: SHA-256 of the uploaded file, which proves later that the file on
    the person's telephone is the same; `written_ms`: the time of the picture's record on the topic (ms since 1970).
    """

    id: FileId
    at: When
    by: Text
    original: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    written_ms: Annotated[int, Field(ge=0)]


class EvidencePicture(Model):
    """A record of the topic evidence-files: the picture of one file, a JPEG without metadata, in base64."""

    file: FileId
    picture: Base64Bytes


class FileRefusal(StrEnum):
    """The reason why an uploaded file was not added to its case. PDF, HEIC: of a kind that is not accepted; NO_PICTURE:
    neither JPEG, PNG nor WebP, whatever its name says; EARLIER_CASE: the resident has a later case; NOT_TAKEN: the case
    did not accept it, or has not answered.
    """

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    PDF = "pdf"
    HEIC = "heic"
    NO_PICTURE = "no_picture"  # neither JPEG, PNG nor WebP, whatever its name says
    TOO_MANY_PIXELS = "too_many_pixels"
    UNREADABLE = "unreadable"
    EARLIER_CASE = "earlier_case"  # the resident has a later one
    NOT_TAKEN = "not_taken"  # the case did not take it, or has not answered
