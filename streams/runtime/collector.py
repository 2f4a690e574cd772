"""How a process with much work looks for garbage."""

import gc


def spare_the_collector() -> None:
    """What was made at the start stays: looking through it for garbage again and again cost a third of screening."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
