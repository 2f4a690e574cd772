"""Weights of evidence learnt from outcomes of simulated provinces."""
