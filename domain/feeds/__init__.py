"""The feeds of signals: whether one is silent, and how a signal that was refused is repaired."""
