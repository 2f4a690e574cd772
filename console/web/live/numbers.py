"""The numbers of the open cases, each as long as needed to differ from the others."""

from bisect import bisect_left, insort

from domain.desk.case_numbers import key_of, number_of
from schemas.casework.cases import Case


class Numbers:
    """The numbers of the open cases. A number's length depends only on the case's two neighbours in
    the order of keys.
    """

    def __init__(self) -> None:
        self._keys: list[str] = []  # sorted
        self._cases: dict[str, str] = {}  # case ids by key

    def of(self, case: Case) -> str:
        """Return the number of a case, open or closed, that distinguishes it from the open cases."""
        key = key_of(case.id, case.opened_at)
        return number_of(key, *self._beside(key))

    def put(self, case: Case) -> list[str]:
        """Add an open case. Return the ids of the other cases whose number has become longer; [] if the case is here
        already.
        """
        key = key_of(case.id, case.opened_at)
        if key in self._cases:
            return []
        beside = self._beside(key)
        before = {each: number_of(each, *self._beside(each)) for each in beside}
        insort(self._keys, key)
        self._cases[key] = case.id
        return [self._cases[each] for each in beside if number_of(each, *self._beside(each)) != before[each]]

    def drop(self, case: Case) -> None:
        """Remove a closed case. Other numbers may become shorter, but keep their length on screens that already show
        them.
        """
        key = key_of(case.id, case.opened_at)
        if self._cases.get(key) == case.id:
            del self._cases[key]
            del self._keys[bisect_left(self._keys, key)]

    def _beside(self, key: str) -> list[str]:
        """Return the keys directly before and after a key, without the key itself."""
        place = bisect_left(self._keys, key)
        after = place + 1 if self._keys[place : place + 1] == [key] else place
        return self._keys[max(0, place - 1) : place] + self._keys[after : after + 1]
