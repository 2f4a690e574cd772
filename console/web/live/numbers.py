"""The numbers of the open cases, each as long as it must be to differ from the others."""

from bisect import bisect_left, insort

from domain.desk.case_numbers import key_of, number_of
from schemas.casework.cases import Case


class Numbers:
    """The open cases' numbers. Only a case's two neighbours in the order of their keys decide on its length."""

    def __init__(self) -> None:
        self._keys: list[str] = []  # sorted
        self._cases: dict[str, str] = {}  # case ids by key

    def of(self, case: Case) -> str:
        """Return the number of a case, open or closed, among the open ones."""
        key = key_of(case.id, case.opened_at)
        return number_of(key, *self._beside(key))

    def put(self, case: Case) -> list[str]:
        """Add an open case. Return the ids of cases whose number is longer than before."""
        key = key_of(case.id, case.opened_at)
        if key in self._cases:
            return []
        beside = self._beside(key)
        before = {each: number_of(each, *self._beside(each)) for each in beside}
        insort(self._keys, key)
        self._cases[key] = case.id
        return [self._cases[each] for each in beside if number_of(each, *self._beside(each)) != before[each]]

    def drop(self, case: Case) -> None:
        """Remove a case that is closed. Other numbers stay as they are on the screens, and are shorter from then on."""
        key = key_of(case.id, case.opened_at)
        if self._cases.get(key) == case.id:
            del self._cases[key]
            del self._keys[bisect_left(self._keys, key)]

    def _beside(self, key: str) -> list[str]:
        """Return the keys before and after a key, without the key itself."""
        place = bisect_left(self._keys, key)
        after = place + 1 if self._keys[place : place + 1] == [key] else place
        return self._keys[max(0, place - 1) : place] + self._keys[after : after + 1]
