"""Calls of operators: the gateway rings the operator's own telephone, then the resident, and passes the sound.

`ledger` stores each call's state before it is dialled; `orders` is the HTTP interface; `desk` takes orders and acts;
`conversation` carries out one call; `party` is one of its sides, `bridge` the sound between them; `third_party` calls
somebody into the talk, `consultation` a colleague who may take it over; `reports` sends each change of state to Quanzu.
Decisions are in domain/carriers/operator_calls.py.
"""
