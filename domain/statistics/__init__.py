"""Figures: what is counted of a province, its report, the situation, exports, and the size of an installation."""
