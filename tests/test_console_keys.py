"""The pages' keys: one key means one thing on the queue page and on the case page."""

import re

from console.web.kit.pages import TEMPLATES

NEXT, BACK = "n", "Escape"  # the next case; out of a dialog


def keys(pattern: str) -> set[str]:
    """The keys in the templates whose names match."""
    found: set[str] = set()
    for path in TEMPLATES.glob(pattern):
        text = path.read_text("utf-8")
        for named in re.findall(r'data-key="([^"{]+)"|call act\("\w+", _\("[^"]+"\), "(\w)"', text):
            found.update("".join(named).split())
    return found


def test_a_key_of_the_queue_means_the_same_on_the_case_page_or_nothing() -> None:
    queue, case = keys("queue.html"), keys("case*.html")
    assert {"j", "k", NEXT} <= queue
    assert {"a", "c", "d", "s", NEXT} <= case
    assert queue & case <= {NEXT, BACK}
