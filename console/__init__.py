"""The user interfaces: the web console (web/), the commands (commands/), the demo's terminal board, a case's history.

reference/ makes docs/reference/ from the code; web/locale/ has the pages' English and Korean texts. The console makes
no decisions on cases: it writes inputs and shows their results. May import schemas, domain and streams. Called by
quanzu.py and simulators.
"""
