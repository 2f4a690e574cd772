"""A deterministic simulation of the pipeline: thousands of short schedules, each with other faults, each judged.

What it is
    Two or three workers run the product's real code (screening, casework, channels, deadlines, failover, auditor,
    recovery) in one process, on one event loop with virtual time. Kafka, Redis and the providers are replaced by
    in-memory servers; Redis runs the product's real Lua scripts. A seed draws everything: what comes in, which task
    runs next, who crashes, freezes or is cut off from whom, when Redis is wiped or comes back older, what a provider
    does before it answers. After some seconds of faults all of them heal, and the schedule runs on until it is quiet.

What is checked
    What is left of a schedule (`observed.Observed`: logs, stores, the providers' books) is judged by the laws
    (`laws.LAWS`). They ask two models that import nothing of streams/ or agents/: `model` folds the inputs in the
    order of the topic by `domain.casework.decide` alone, `signals` judges all evidence as a set by `domain.risk`.

    | law | holds when |
    |---|---|
    | nothing_lost | each accepted signal is there and has led to its alert, case, event, dispatch, contact or report |
    | nobody_twice | a dispatch contacts a resident once, an attempt has one dispatch, and each follows from an input |
    | one_result | of sent, failed and not sent a channel reports one |
    | counted_doubts | wherever a resident may be contacted twice, the dispatch is counted as in doubt |
    | no_needless_doubts | nothing is sent again or in doubt without a cause: an unclear answer, a fault of a server |
    | doubts_resolved | what stands as being sent, or as perhaps sent, has its report |
    | nothing_after_settled | nothing of the plan is sent once the resident is dissuaded or cleared |
    | only_what_follows_a_loss | after a loss no warning, no visit and no message to a trusted contact is sent |
    | asked_once_while_dissuaded | the question a week later and the reminder: once, to the dissuaded without a loss |
    | somebody_handles | a case that ends here by a hand-over is open there before, at its level or above |
    | offered_once | an offer is one case there; what was taken is known here, or counts as not answered |
    | no_fork | a case has one event of each version, and each is the one that its input gives |
    | level_only_rises | a level falls only when somebody lowers it by name |
    | one_open_case | a resident has one open case at most |
    | store_equals_fold | Redis holds what the inputs give: cases, ids, deadlines, queue, holds, money, counts |
    | conservation | each signal has exactly one outcome, by source |
    | answers_only_what_was_sent | an answer to what was not sent changes neither the money nor the step |
    | newest_is_last | the last record of a suspect and of a piece of evidence on its topic is the newest one |
    | acknowledged_changes_stay | a table's last record is of no change that an acknowledged one came after |
    | no_deadline_early | no deadline fires before its time, whatever the shared clock is set to |
    | not_stuck | all topics are taken up to their end, all is published, open cases go on, deadlines fire in time |

How to run it
    `make simulation SCHEDULES=1000 SEED=1 REPORT=report.json` runs the seeds 1 to 1000; reports of several ranges add
    up. `--seed N` runs one schedule again, exactly as before, and prints its story. `--mutation NAME` breaks the
    product at a named place and runs until a law finds it.

How to read a story
    A failing schedule is shrunk to the fewest actions that still fail. The story tells who did what, in order, each
    line with its time in seconds since the schedule began. Below it stand the violations, for example

        nobody_twice: dispatch r…-1:red.call:1:phone of case r…-1 (decided in version 3, case-inputs/0/3): the askable
        provider of phone carried it out 2 times, at 4.120 s and 9.480 s

    A dispatch's id is case:step:attempt:channel. A place is topic/partition/offset, of a signal also its number in the
    record. Read backwards: look up both times in the story, see which worker sent, and what it knew just before.
"""
