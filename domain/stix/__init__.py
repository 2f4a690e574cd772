"""Suspects as objects of STIX 2.1 (OASIS Standard, 10 June 2021), by which centres share them.

`patterns` writes and reads the pattern of a number or link; `objects` makes the objects that are shared; `reading`
turns an object of another centre into a verdict, or says why it is refused. Only what is needed here is read, no other
object and no other pattern, so that a hostile one cannot reach a general parser.
"""
