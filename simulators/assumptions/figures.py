"""All figures of the simulated province, each with its source or marked as assumed.

"Jilin": the provincial police's press conference of 2021-04-29. "Practice": how anti-fraud centres describe their work.
"Cases": the types of 102,762 police cases (CCL2023). Where they differ, Jilin is used. Amounts are in yuan here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from schemas.casework.movements import MovementKind
from schemas.people.residents import BalanceBand, Flag, Sex
from schemas.people.residents import Occupation as Job
from schemas.people.rosters import Role
from schemas.risk.signals import AppKind, NumberClass


class Hook(StrEnum):
    """The first contact of a scammer with a victim: by a telephone call (`CALL`), by a text message (`SMS`), or over
    the internet, in an app or on a website (`APP`).
    """

    CALL = "call"
    SMS = "sms"
    APP = "app"


# ------------------------------------------------------------------------------------------------------- people
# People by prefecture: the census of 2020, rounded, in ten thousands. Assumed where zones were counted apart.
PREFECTURES = {
    "220100": 907, "220200": 362, "220300": 181, "220400": 100, "220500": 181,
    "220600": 96, "220700": 225, "220800": 155, "222400": 194,
}  # fmt: skip
PEOPLE = 10_000 * sum(PREFECTURES.values())
YANBIAN = "222400"
HARD_HIT = frozenset({"220100", "220200", YANBIAN})  # Jilin: over 60 % of cases
HARD_HIT_WEIGHT = 1.25  # assumed: by people alone they would have 61 % of the cases
KOREAN_IN_YANBIAN = 0.33  # assumed; the census of 2020 counts about a third
KOREAN_ELSEWHERE = 0.01  # assumed
FAMILY_IN_KOREA = 0.5  # of Korean-Chinese: assumed ("Yanbian works in Korea")
# Ages in years and their shares: the census of 2020, coarsely. Assumed within a band.
AGES = {(8, 17): 0.09, (18, 29): 0.16, (30, 44): 0.25, (45, 59): 0.27, (60, 74): 0.18, (75, 90): 0.05}
MEN = 0.499  # census of 2020
# Occupation by age: assumed.
OCCUPATIONS: Mapping[tuple[int, int], Mapping[Job, float]] = {
    (0, 17): {Job.STUDENT: 1.0},
    (18, 23): {
        Job.STUDENT: 0.5, Job.EMPLOYEE: 0.2, Job.MIGRANT_WORKER: 0.12, Job.UNEMPLOYED: 0.12, Job.SELF_EMPLOYED: 0.06,
    },
    (24, 59): {
        Job.EMPLOYEE: 0.3, Job.FARMER: 0.22, Job.SELF_EMPLOYED: 0.15, Job.MIGRANT_WORKER: 0.12, Job.INTELLECTUAL: 0.1,
        Job.UNEMPLOYED: 0.08, Job.FINANCE_STAFF: 0.03,
    },
    (60, 120): {Job.RETIRED: 0.62, Job.FARMER: 0.28, Job.INTELLECTUAL: 0.05, Job.SELF_EMPLOYED: 0.05},
}  # fmt: skip
BALANCES = {BalanceBand.LOW: 0.42, BalanceBand.MIDDLE: 0.42, BalanceBand.HIGH: 0.14, BalanceBand.VERY_HIGH: 0.02}
BALANCE_YUAN = {  # the bands' limits (schemas); a little below and above them is assumed
    BalanceBand.LOW: (2_000, 10_000), BalanceBand.MIDDLE: (10_000, 100_000), BalanceBand.HIGH: (100_000, 1_000_000),
    BalanceBand.VERY_HIGH: (1_000_000, 8_000_000),
}  # fmt: skip
FLAGS = {Flag.VICTIM_BEFORE: 0.01, Flag.HARD_OF_HEARING: 0.03, Flag.OBJECTS_TO_CALLS: 0.02}  # assumed
HARD_OF_HEARING_OLD = 0.15  # from 70 on; assumed
CONTACTS = {0: 0.3, 1: 0.45, 2: 0.25}  # trusted contacts on file; assumed
SECOND_PHONE, SHARED_PHONE, SECOND_ACCOUNT = 0.12, 0.04, 0.6  # assumed

# -------------------------------------------------------------------------------------------------------- scams
IN_AGE_BAND = 0.8  # share of victims in the type's ages; Jilin says "mostly"
IN_GROUP_WEIGHT = 2.5  # how much oftener the groups most hit are hit; assumed
# Types that aim at savings choose people with savings more often: assumed. Without it, nobody could lose what 61 cases
# of a million yuan and more lost in Jilin.
SAVINGS_WEIGHT = {BalanceBand.LOW: 0.5, BalanceBand.MIDDLE: 1.0, BalanceBand.HIGH: 2.0, BalanceBand.VERY_HIGH: 3.0}


@dataclass(frozen=True, slots=True)
class Scam:
    """One type of scam. All shares and probabilities are from 0 to 1, all amounts in yuan.

    `share`: of all cases; `men`: share of men among the victims; `ages`: youngest and oldest of most victims, in years,
    both included; `groups`: occupations that are hit more often, `group_weight` times as often as others. `hooks`,
    `classes`: probability of each first contact, and of each kind of number that calls. `app`: kind of the app or
    website, `app_share`: share of scams that use one. `middle`, `spread`: median (yuan) and sigma of the lognormal
    total loss. `payments`: least and most number; `growth`: ratio of each payment to the previous one. `on_the_phone`:
    share of victims who pay during a call. `days`: from first contact to last payment, at the real pace.
    `talked_round`: probability that a telephone conversation dissuades. `for_savings`: people with savings are chosen
    more often (by SAVINGS_WEIGHT).
    """

    share: float
    men: float
    ages: tuple[int, int]
    groups: frozenset[Job]
    hooks: Mapping[Hook, float]
    app: AppKind
    app_share: float
    middle: float
    spread: float
    payments: tuple[int, int]
    growth: float
    on_the_phone: float
    days: float
    talked_round: float
    classes: Mapping[NumberClass, float] = field(
        default_factory=lambda: {NumberClass.OVERSEAS: 0.4, NumberClass.GOIP: 0.4, NumberClass.ORDINARY: 0.2}
    )
    group_weight: float = IN_GROUP_WEIGHT
    for_savings: bool = False


_BY_APP = {Hook.APP: 0.82, Hook.SMS: 0.12, Hook.CALL: 0.06}  # Jilin: over 70 % over the internet, not by call or SMS
_BY_CALL = {Hook.CALL: 0.85, Hook.APP: 0.15}
_BY_NET = {Hook.APP: 0.9, Hook.SMS: 0.1}
_SPOOFED = {NumberClass.SPOOFED: 0.5, NumberClass.OVERSEAS: 0.3, NumberClass.GOIP: 0.2}  # Jilin: spoofing, GOIP
_ALL: frozenset[Job] = frozenset()
# Shares: Cases, moved until Jilin's two sums hold (five types over 80 %, four over 70 %). Sexes and ages: Jilin for
# brushing, loans, romance and police; the rest assumed so that men to women come to 6 : 4. Groups: Jilin's five.
# Amounts: assumed, so that the sums are Jilin's: 389 million in 7,485 cases is a mean of 52,000, 61 cases of a million
# are 0.82 %. By type, within what a victim can raise (thousands x share): brushing 16 x .345, loan 13 x .205, shopping
# 7, service 11, credit 17, game 4: 9; boss 205 x .025: 5; the three out for savings 138 x .275: 38; together 52.
# A million and more (% x share): boss 4.3 x .025, the three 2.7 x .275 (8 % of those who could raise it, 32 %): 0.84;
# minors raise less, and who is hit again is asked for less: 0.82.
# Chance to persuade: assumed, around Practice's five calls for one success where it is hard.
SCAMS: Mapping[str, Scam] = {
    "brushing": Scam(
        0.345, 0.28, (18, 40), frozenset({Job.STUDENT, Job.UNEMPLOYED}), _BY_APP, AppKind.BRUSHING, 0.95,
        9_000, 1.2, (2, 5), 1.9, 0.05, 2, 0.5, group_weight=4.0,  # assumed: students' part-time work
    ),
    "loan": Scam(
        0.205, 0.88, (23, 45), frozenset({Job.SELF_EMPLOYED, Job.MIGRANT_WORKER}), _BY_APP, AppKind.LOAN, 0.93,
        7_500, 1.1, (1, 4), 1.4, 0.2, 1, 0.5,
    ),
    "investment": Scam(
        0.10, 0.85, (30, 60), frozenset({Job.SELF_EMPLOYED, Job.INTELLECTUAL}), _BY_NET, AppKind.INVESTMENT, 0.97,
        40_000, 2.6, (2, 5), 2.0, 0.02, 20, 0.3, for_savings=True,
    ),
    "police": Scam(
        0.10, 0.70, (50, 80), frozenset({Job.INTELLECTUAL, Job.RETIRED}), _BY_CALL, AppKind.MEETING, 0.75,
        40_000, 2.6, (1, 4), 1.5, 0.9, 0.5, 0.2, _SPOOFED, for_savings=True,
    ),
    "romance": Scam(
        0.075, 0.35, (30, 60), _ALL, _BY_NET, AppKind.CHAT, 0.95, 40_000, 2.6, (2, 5), 2.0, 0.05, 45, 0.2,
        for_savings=True,
    ),
    "shopping": Scam(
        0.07, 0.85, (18, 45), frozenset({Job.STUDENT}), _BY_NET, AppKind.SHOPPING, 0.85, 3_500, 1.2, (1, 3), 1.2, 0.05,
        1, 0.6,
    ),
    "service": Scam(
        0.04, 0.8, (20, 50), _ALL, _BY_CALL, AppKind.MEETING, 0.8, 6_000, 1.2, (1, 3), 1.3, 0.8, 0.1, 0.5, _SPOOFED,
    ),
    "credit": Scam(
        0.025, 0.8, (20, 40), frozenset({Job.STUDENT}), _BY_CALL, AppKind.MEETING, 0.8, 10_000, 1.2, (1, 4), 1.3, 0.85,
        0.1, 0.45, _SPOOFED,
    ),
    "acquaintance": Scam(
        0.025, 0.8, (25, 55), frozenset({Job.FINANCE_STAFF}), {Hook.APP: 0.7, Hook.CALL: 0.3}, AppKind.CHAT, 0.4,
        60_000, 1.7, (1, 2), 1.3, 0.15, 0.2, 0.6, group_weight=20.0,  # assumed: the boss writes to who may pay
    ),
    "gaming": Scam(
        0.015, 0.8, (10, 28), frozenset({Job.STUDENT}), _BY_NET, AppKind.OTHER, 0.9, 2_500, 1.0, (1, 3), 1.2, 0.02, 0.5,
        0.6,
    ),
}  # fmt: skip
LARGEST_YUAN = 5_920_000  # Jilin: the largest single case
BEYOND_BAND = 8.0  # what a victim can raise beyond the balance, by loans and from friends: times the balance; assumed
FEN_STEP = 10_000  # scam payments come in whole hundreds of yuan; assumed
KNOWN_TO_APPWATCH = 0.8  # share of scam apps and sites that the watch knows; assumed

SETTLES = {(8, 60): 0.55, (120, 600): 0.3, (600, 1800): 0.15}  # seconds to settle: new payees are held back; assumed
MULES_A_GANG = 3  # assumed
GANG_LIVES = timedelta(hours=1)  # for which its accounts serve; assumed
VICTIMS_SHARE_A_GANG = 8  # victims of one type in an hour that one gang holds at most; assumed
CONFIRMED = 0.35  # share of mule accounts that the police confirm while the scam goes on; assumed
REPORTS_LOSS = 0.5  # share of victims who call 96110 or 110 after the last payment: the police's cases; assumed
HIT_AGAIN = 0.04  # share of victims whom a recovery scam ("we get your money back") hits later; assumed
HIT_AGAIN_DAYS = (3, 60)  # after the end of the first: within 90 days of its last payment, however long that took
HIT_AGAIN_ASKS = (0.1, 0.4)  # of what was lost; assumed
RELAPSES = 0.05  # share of the persuaded who believe the scammer again, once; assumed
RELAPSE_DAYS = (1, 10)  # after they were persuaded; assumed
CALL_UPDATE = timedelta(minutes=5)  # how often the carrier tells of a suspicious call that goes on; assumed

# ---------------------------------------------------------------------------------------------- how people answer
# A robot's call. Practice: about 40 % refuse: half do not take it, half put it down.
ROBOT_CALL = {
    "refused": 0.2, "hung_up": 0.2, "no_answer": 0.14, "voicemail": 0.03, "wrong_number": 0.01, "out_of_area": 0.02,
    "acknowledged": 0.26, "wants_operator": 0.14,
}  # fmt: skip
BUSY_WITH_SCAMMER = 0.85  # while the scammer talks (Practice: a busy line is evidence); assumed
REFUSES_AGAIN = 1.8  # times oftener, who objects to calls; assumed
SMS_RECEIPT = {"delivered": 0.94, "undelivered": 0.03, "": 0.03}  # none at all: 3 %; assumed
SMS_SECONDS, SMS_SPREAD = 4, 0.9  # till the receipt; assumed
SMS_VERY_LATE, SMS_LATE_SECONDS = 0.01, 2160  # a receipt 36 minutes late happens; assumed how often
READS_SMS = 0.5  # at once; assumed
REPLIES_TO_QUESTION = 0.35  # share of the messages a week later that are answered; assumed
REPLY_HOURS = (0.1, 30)  # until that; assumed
ADMITS_PAYING = 0.7  # of those who have paid since they were dissuaded; the others say that they have not; assumed
SMS_PERSUADES = 0.15  # who reads it, times the type's chance; assumed
ROBOT_PERSUADES = 0.5  # who pressed the key, times the type's chance; assumed
CONTACT_PERSUADES = 0.6  # a trusted contact who was told, times the type's chance; assumed
TAKES_OPERATOR = 0.6  # Practice: about 40 % refuse
HARDER_EACH_PAYMENT = 0.85  # who has paid already is persuaded less easily, each payment times this; assumed
EASIER_EACH_TALK = 1.1  # and each talk before helps; assumed
ONLY_TOUCHED = 1.6  # times more easily persuaded, who was not asked for money yet; assumed
TALK_SECONDS, TALK_SPREAD = 150, 0.5  # an operator's talk; assumed
FAKE_POLICE = 0.3  # of those on the line with "the police": they take the real call for the fake; assumed
NAMES_TRANSFER = 0.8  # of those persuaded: names the payment asked for next; assumed
# At the door. Practice: visits work better (Weifang: 0.04 % defrauded after one).
VISIT_PERSUADES = 0.9
VISIT_FLOOR = 0.75  # for the hardest types; assumed
OFFICER = {"accepted": 0.86, "refused": 0.09, "late": 0.05}  # assumed
OFFICER_ACCEPTS_SECONDS = (5, 45)  # assumed
TRAVEL_MINUTES, TRAVEL_SPREAD = 8, 0.5  # a car in town; assumed
VISIT_MINUTES, VISIT_SPREAD = 10, 0.4  # assumed
AT_HOME = 0.88  # or where the telephone says; Practice visits at hours when people are in; assumed
# A county's people on the roster; every third works at night. Assumed.
OFFICERS = {Role.OFFICER: 3, Role.AUXILIARY: 3, Role.GRID_WORKER: 6, Role.BUILDING_HEAD: 3}
CHECKED = 0.95  # of each item of the checklist; assumed
# The stop desk: a person reads an order and approves it. Assumed: half take 40 s, one in twenty 107 s. Thailand's 1441
# freezes within 15 minutes, all hops included (reference), of which this is a small part.
APPROVAL_SECONDS, APPROVAL_SPREAD = 40, 0.6
# Banks.
BANK_REFUSES = 0.04  # name, account, amount or time does not fit; assumed
BANK_SECONDS, BANK_SPREAD = 25, 0.6  # assumed
MULE_HALF_LIFE = timedelta(minutes=25)  # of money on a mule's account; assumed
# From a mule's account the money goes on in parts, to two accounts, and from there out of the banks' reach. Assumed;
# mules empty an account in 3 to 10 minutes (reference: Malaysia's centre).
ONWARD_AFTER = tuple(timedelta(minutes=after) for after in (3, 7, 12, 20, 35, 60, 120, 240))
ONWARD_FEE_FEN = 500  # at most; else a hundredth of the amount
ONWARD_OUT_SECONDS, ONWARD_OUT_SPREAD = 180, 0.5
ONWARD_OUT = {
    MovementKind.CRYPTO: 0.3, MovementKind.CASH: 0.25, MovementKind.WALLET: 0.1, MovementKind.POS: 0.1, None: 0.25,
}  # fmt: skip
FROZEN_AFTER = timedelta(minutes=2)  # what is still there is counted and frozen; assumed
STOP_FOR = timedelta(hours=48)  # Practice

# -------------------------------------------------------------------------------------------------- ordinary life
SEXES = {Sex.MALE: MEN, Sex.FEMALE: 1 - MEN}
# What goes on in ordinary lives and reaches the feeds, by share of the signals. Assumed throughout.
ORDINARY = {
    "relative": 0.23, "courier": 0.15, "hotline": 0.02, "business_abroad": 0.025, "family_in_korea": 0.03,
    "spam_sms": 0.03, "curious_site": 0.006, "shop": 0.22, "rent": 0.07, "fees": 0.06, "first_payee": 0.06,
    "wages": 0.06, "remittance": 0.02, "stranger": 0.03,
}  # fmt: skip
# Who does it, where not anybody might: by occupation. Calls from Korea and remittances: FAMILY_IN_KOREA.
ORDINARY_JOBS = {
    "business_abroad": frozenset({Job.SELF_EMPLOYED, Job.FINANCE_STAFF}), "fees": frozenset({Job.STUDENT}),
    "rent": frozenset({Job.MIGRANT_WORKER}),
}  # fmt: skip
SPAM_BY_GOIP = 0.2  # of the spam that carriers tell of; assumed


@dataclass(frozen=True, slots=True)
class Everyday:
    """A kind of everyday payment. `yuan`: least and most amount; `new`: share (0 to 1) that goes to a payee never paid
    before.
    """

    yuan: tuple[int, int]
    new: float = 0.0


PAYMENTS = {  # assumed. Fees: tuition and boarding, for a student a large sum, and to a school not paid before
    "shop": Everyday((5, 800), 0.2), "rent": Everyday((600, 3_500), 0.1), "fees": Everyday((800, 9_000), 0.35),
    "first_payee": Everyday((50, 5_000), 1.0), "wages": Everyday((2_000, 9_000)),
    "remittance": Everyday((1_000, 20_000), 0.1),
}  # fmt: skip
BALANCE_TOLD = 0.5  # share of payments with which the bank tells the payer's balance; assumed

# --------------------------------------------------------------------------------------------------------- pace
# How deep a hook goes. In a teaching hour many pay, so that there is something to see; assumed.
DEPTHS = {"touched": 0.3, "courted": 0.28, "pays": 0.42}
COMPRESSED_ORDINARY_AN_HOUR, COMPRESSED_STORIES_AN_HOUR = 1_500, 100  # a teaching hour, not a real one
COMPRESSED_LIFE = (18, 38)  # minutes from hook to last payment in a teaching hour
COMPRESSED_BEGINS = (0, 30)  # minutes of the hour in which its scams begin, evenly
# Really few pay: so many that, with those who report it, the cases of a year come to Jilin's.
CASES_A_YEAR = 7_485  # Jilin, 2020
STORIES_A_MILLION_AND_DAY = 400.0  # people hooked. Jilin, 2022: 9,500 warnings a day; a hook behind each is assumed
PAYS = CASES_A_YEAR / (365 * STORIES_A_MILLION_AND_DAY * PEOPLE / 10**6 * REPORTS_LOSS * (1 + HIT_AGAIN))
REAL_DEPTHS = {"touched": 0.9, "courted": 0.1 - PAYS, "pays": PAYS}  # the first two assumed
ORDINARY_A_RESIDENT_AND_DAY = 2.0  # signals that reach the feeds; assumed
# Feeds.
SENT_TWICE, OUT_OF_ORDER = 0.01, 0.03  # shares; assumed
