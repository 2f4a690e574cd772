"""The public check: anybody asks about a telephone number, an account or a link, without telling which one (a
link can be guessed).

`oprf` is the oblivious function, `listing` what the watchlist keeps for it, `buckets` what an answer has, `statuses`
who is listed and how many questions are allowed, `scan` the rules that find numbers and scams in a pasted text.

May import schemas only. Called by screening, the console and streams/repositories/check_list.
"""
