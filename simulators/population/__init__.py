"""The people of a simulated province: names, numbers, kinds, police stations, and the choice of victims."""
