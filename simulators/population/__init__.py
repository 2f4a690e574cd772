"""The people of a simulated province: names, numbers, kinds, stations, and whom a scam picks."""
