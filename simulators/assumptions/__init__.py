"""The figures of the simulated province, each with its source; seeded random numbers, and the pace of events."""
