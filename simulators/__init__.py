"""A simulated province with known truth, and the laboratory that evaluates policies on it.

assumptions, population, scams, world       the province
providers                                  its gateways over real HTTP; demo: all of it with workers
lab, lab_commands, fit, backtest, studies  `quanzu lab`
"""
