"""Calls of operators' telephones, theirs and those to the centre: orders to the voice gateway, and its reports.

`phones` sends the console's orders; `reports` takes the gateway's reports at intake (`receiving` answers them), and
writes what a case must know as notes of the operator; `live` has the present state of each case's call, `incoming` that
of calls to the centre and the requests to call back, for the console. streams/gateways/voice/operators and
streams/gateways/voice/incoming are the gateway's side.
"""
