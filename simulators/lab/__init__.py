"""The laboratory: a province lived through on a virtual clock, by the very functions that the agents call."""
