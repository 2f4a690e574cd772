"""A question to the public check, and its answer: neither contains a number, nor anything that only one number has. The
buckets of a link's forms together may be those of one link only.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import Model

MOST_ELEMENTS = 7  # of one question: a link is listed under its own form or a wider one
Element = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""32 bytes in base 64 for URLs, without padding."""


class CheckQuestion(Model):
    """A question to the public check. `elements`: hidden (blinded) forms of the number, account or link that is asked
    about; `buckets`: for each element, the number of the part (bucket) of the list in which it would be; `bits`: how
    many bits a bucket's number has, as the asker knows it. The console refuses a question with other `bits` than its
    own.
    """

    bits: Annotated[int, Field(ge=0, le=16)]
    buckets: Annotated[list[Annotated[int, Field(ge=0, lt=65_536)]], Field(min_length=1, max_length=MOST_ELEMENTS)]
    elements: Annotated[list[Element], Field(min_length=1, max_length=MOST_ELEMENTS)]

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if len(self.buckets) != len(self.elements) or any(each >> self.bits for each in self.buckets):
            raise ValueError("each element has one bucket, whose number has at most `bits` bits")
        return self


class CheckedBucket(Model):
    """The answer about one element: the evaluated element, and the bucket with its nonce. All in base 64."""

    element: Element
    nonce: str
    entries: str


class CheckAnswer(Model):
    """The answer to a question to the public check: one part for each of its elements, in their order."""

    answers: list[CheckedBucket]


class CheckParameters(Model):
    """The values that a program needs to ask the public check. `bits`: how many bits the number of a bucket (a part of
    the list) has, None while the list is being loaded; `elements_a_day`: how many elements one network may ask about in
    a day.
    """

    bits: int | None
    elements_a_day: int
