"""Calls of operators' own telephones: to residents on the case page, and from callers to the centre.

`shown` prepares the state of a call to a resident; `placing` starts one and carries out what the operator does during
it; `incoming` prepares what the desk shows of calls to the centre; `call_backs` calls back whom nobody could serve;
`readiness` lets no calls ring who is signed out. The
routes are in routes/cases/telephone.py and routes/cases/incoming.py.
"""
