"""Carriers and telephones of third parties on loopback, to check the gateways: jSMPP (Smsc.java), sms-core
(cmpp/Ismg.java), sipp, baresip.

`sms.py` and `voice.py` are the long runs.
"""
