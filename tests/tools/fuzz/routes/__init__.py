"""Generated requests for every route of console and intake: `python -m tests.tools.fuzz.routes`."""
