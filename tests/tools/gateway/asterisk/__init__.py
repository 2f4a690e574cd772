"""A simulated Asterisk with its REST Interface (ARI), for tests of the voice gateway.

It was written from Asterisk's API documents and source: it answers and refuses as Asterisk does, and sends its events
in the same order. It is no Asterisk: it has no SIP and no sound. `peer` is the server, `line` what a called telephone
does, `snapshots` the shapes, `faults` what can go wrong.
"""
