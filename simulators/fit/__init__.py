"""Learns evidence weights from the outcomes in simulated provinces. Needs the extra `lab`."""
