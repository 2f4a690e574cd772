"""ISO 20022 messages: payments (pacs.008, pacs.002) parsed as signals, stop orders written as cancellation requests
(camt.056), and the banks' answers (camt.029, pacs.004).

`document` parses and validates XML, `payments` and `resolution` parse messages, `cancellation` writes one. The codes
and units are in domain/payments/iso_codes.py; the schemas are the official ones.
"""
