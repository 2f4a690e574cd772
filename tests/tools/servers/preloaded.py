"""What a worker imports, at once or later: imported before it is forked (see forked.py)."""

import gc
import importlib
import inspect

# What Faust and httpx import only when they are used.
LATER = (
    *("httpcore", "stringprep", "encodings.idna", "encodings.utf_16_le"),
    *("faust.worker", "faust.topics", "faust.events", "faust.tables.manager", "faust.tables.objects"),
    *("faust.tables.sets", "faust.tables.globaltable", "faust.assignor", "faust.app.router", "faust.fixups.django"),
    *("faust.assignor.leader_assignor", "faust.assignor.partition_assignor", "mode.debug", "mode.worker"),
)

gc.disable()
importlib.import_module("agents.worker")
importlib.import_module("tests.end_to_end.harness.hand_clock")
for module in LATER:
    importlib.import_module(module)
inspect.getmodule(importlib.import_module)  # Faust asks where its agents are; the first answer looks at every module
# A worker looks for garbage as it starts: in its own objects only, which takes a fifth of a second less of each start.
gc.collect()
gc.freeze()
gc.enable()
