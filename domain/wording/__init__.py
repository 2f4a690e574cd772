"""Wording: the labels and the sentences of codes, in Chinese, English and Korean.

labels.py has the Chinese labels of cases, contacts and evidence, money_labels.py those of payments and orders,
people_labels.py those of people; the codes of schemas/codes have their own Chinese sentences; locale/ has both in
English and Korean, catalogue.py reads it, and codes.py renders a code. May import all of domain. Called by the console,
webhooks, exports and channels.
"""
