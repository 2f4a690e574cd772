"""What things are called: the labels and the sentences of codes, in Chinese, English and Korean.

labels.py has the Chinese label of each state, level, action and result; the codes of schemas/codes have their own
Chinese sentences; locale/ has both in English and Korean, catalogue.py reads it, and codes.py renders a code. Called by
the console's pages and terminal, webhooks, exports and channels; may import all of domain.
"""
