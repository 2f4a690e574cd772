"""ISO 20022 messages: payments (pacs.008, pacs.002) read as signals, stop orders written as cancellation requests
(camt.056), and their answers (camt.029, pacs.004).

`document` reads and checks XML, `payments` and `resolution` read messages, `cancellation` writes one. The codes and
units are in domain/payments/iso_codes.py; the schemas are the official ones.
"""
