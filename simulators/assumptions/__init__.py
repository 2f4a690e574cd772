"""The figures that the simulated province rests on, each with its source; chance and pace."""
