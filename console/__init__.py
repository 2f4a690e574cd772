"""What people use: the web console (web/), the commands (commands/), the terminal board of a demo, a case's story.

labels.py has the Chinese label of each state, result and action; web/locale/ has English and Korean.
reference/ makes docs/reference/ from the code. The console decides nothing: it writes inputs and shows what they did.
"""
