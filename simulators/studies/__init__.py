"""Studies of the simulated province: calibration against published figures, years, days, honesty, survival curves."""
