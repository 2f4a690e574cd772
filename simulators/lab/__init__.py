"""The laboratory: simulates a province on a virtual clock with the same functions that the agents call."""
