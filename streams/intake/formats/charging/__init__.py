"""Call records of 3GPP TS 32.298 in files of TS 32.297.

ber      reads the elements of a record, whatever its bytes; pycrate gets only elements that it knows
files    splits a file into records
records  what a record's fields say: a call
schema   the fields that are read, compiled by pycrate from schema.asn1; imported when the first record is read
May import domain.carriers. Called by streams/intake/formats/call_files.py.
"""
