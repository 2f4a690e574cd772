"""Prints recall and false matches by kind of damage, and exits with 1 if a bar is missed (see judge.py)."""

import argparse

from tests.tools.planted_month.judge import LEAST_RECALL, MOST_FALSE, judge
from tests.tools.planted_month.plant import plant


def main() -> int:
    """Print the results of a planted month, and return 1 if a bar is missed, else 0."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--people", type=int, default=200_000, help="in the register")
    asked.add_argument("--records", type=int, default=20_000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    score = judge(plant(given.people, given.records, given.seed))
    print(f"{'damage':14}{'records':>9}{'known':>9}{'found':>9}{'recall':>10}{'wrong':>7}{'false':>10}{'person':>8}")
    for kind, each in sorted(score.kinds.items(), key=lambda item: -item[1].records):
        print(
            f"{kind:14}{each.records:9,}{each.identifiable:9,}{each.found:9,}{each.recall:10.3%}"
            f"{each.wrong:7,}{each.false_share:10.3%}{each.by_person:8,}"
        )
    print(*(f"{name} {number:,}" for name, number in score.outcomes.most_common()), sep=", ")
    print(f"recall >= {LEAST_RECALL:.0%} and false matches <= {MOST_FALSE:.1%}: {'met' if score.passes else 'MISSED'}")
    return 0 if score.passes else 1


if __name__ == "__main__":
    raise SystemExit(main())
