"""Who could not put right a record that came late: it stays, as the documents say (docs/reliability.md, "Known and not
mended"), because nobody else knows of it.
"""

from tests.simulation.laws.observed import Observed, Trouble

ON_ITS_WAY = 0.1  # seconds: a process that dies may have sent a record just before
CORRECTS = 1.0  # seconds within which a process puts its late record right
LEAVES = 0.3  # seconds within which a record leaves a process that goes on, and is on the log
RESTORES = 4.0  # seconds within which a Redis that was lost leads, and is restored from the topics


def restored(observed: Observed, lost: Trouble) -> float:
    """When a Redis that was lost leads and is restored. It takes longer than usual if the worker that restores it is
    cut off or stands still meanwhile.
    """
    return max(lost.ended + RESTORES, observed.restored(lost.ended))


def stood_still(observed: Observed, who: str, late: float) -> bool:
    """Return True if the process `who` was frozen or cut off when Kafka got its record, or until 0.3 s (LEAVES) before.

    `late`: when Kafka got the record.
    """
    struck = [each for each in observed.troubles if each.who == who and each.began < min(late, each.ended)]
    return any(each.ended >= late - LEAVES for each in struck)


def died_first(observed: Observed, who: str, late: float) -> bool:
    """Return True if a process was killed before it could put right a record that Kafka got at `late`: it has not stood
    for a while undisturbed since, beside a Redis that leads and is restored.
    """
    able = late
    for trouble in sorted(observed.troubles, key=lambda each: each.began):
        if trouble.began > able + CORRECTS:
            break
        if trouble.who == who and trouble.began == trouble.ended:
            if trouble.began >= late - ON_ITS_WAY:
                return True
        elif trouble.who == who:
            able = max(able, trouble.ended)
        elif trouble.who == "redis":
            able = max(able, restored(observed, trouble))
    return False
