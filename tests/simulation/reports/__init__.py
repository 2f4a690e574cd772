"""What persons, banks, the police and other provinces report of a case in a schedule, each kind drawn by its name.

`seen` says what whoever reports sees; `desk` has the acts of persons, `outside` and `inside` the other inputs, `kinds`
the table of all, with the kinds that nothing draws and why.
"""
