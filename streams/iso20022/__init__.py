"""ISO 20022 messages: payments (pacs.008, pacs.002) parsed as signals, stop orders written as cancellation requests
(camt.056), questions about them (pacs.028), and the banks' answers (camt.029, pacs.002, pacs.004).

`document` parses and validates XML, `payments` and `resolution` parse messages, `cancellation` and `status_request`
write one each (`writing`). The codes and units are in domain/payments/iso_codes.py; the schemas are the official ones.
"""
