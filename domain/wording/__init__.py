"""Wording: the labels and the sentences of codes, in Chinese, English and Korean.

labels.py has the Chinese labels of states, levels, actions and results; the codes of schemas/codes have their own
Chinese sentences; locale/ has both in English and Korean, catalogue.py reads it, and codes.py renders a code. May
import all of domain. Called by the console, webhooks, exports and channels.
"""
