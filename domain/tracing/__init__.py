"""The trace: where a victim's money went, account by account, and whose money is left in each.

`facts`: banks' statements, of which one set gives one history; `lots`: the money in an account, and the rule that
consumes it; `bounds`: the limits of a trace; `ledgers`: the trace itself; `poison`: the accounts that may have received
the money; `returns`: each victim's share of held money; `tree`: the result; `conservation`: the law that every result
obeys, to the fen.

Sources: FIFO is the rule in Clayton's case (Devaynes v Noble, 1816, 1 Mer 572); Anderson, Shumailov and Ahmed, "Making
Bitcoin Legal" (2018), compare it with poison and pro rata ("haircut") for tracing. The lowest intermediate balance rule
(James Roscoe v Winder, 1915, 1 Ch 62) needs no code of its own: a lot that was paid out stays paid out, whatever comes
in later. China's law of return is 电信网络新型违法犯罪案件冻结资金返还若干规定 (2016), article 8.

May import the standard library only. Called by domain/casework, which keeps banks' statements.
"""
