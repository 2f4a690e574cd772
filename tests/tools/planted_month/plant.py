"""A month of invented frauds as the police record them, damaged in known ways, whose true victims are known.

The program knows nothing of how records are matched: it imports nothing of the product, so that its figures can judge
the matcher. ID numbers begin with 99, which is no region, and telephones with 142, which no operator uses.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
    "于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦朴"
)
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志红梅春文辉鑫宇浩然子涵欣怡诗雨晨峰龙波斌亮飞鹏健俊凯"
ALIKE = {"伟": "纬", "丽": "莉", "静": "婧", "敏": "闵", "娟": "涓", "芳": "方", "红": "虹", "英": "瑛", "华": "桦"}
MONTH = datetime(2026, 3, 1, tzinfo=UTC)
COUNTIES = tuple(f"22{prefecture:02}{county:02}" for prefecture in range(1, 9) for county in range(2, 9))


@dataclass(frozen=True, slots=True)
class DamageShares:
    """The shares (0 to 1) of records that are damaged in each way; independent of each other.

    `no_id`: without the ID number; `wrong_id`: with somebody else's. `new_phone`: with a telephone that the register
    does not have yet, or that it still has under its former holder (`recycled`, a share of those). `lent_phone`: with
    the telephone of a relative who lives in the same place. `misspelt`: with a wrong, missing or exchanged character;
    `garbled`: with another given name altogether.
    `no_name`, `no_division`, `no_phone`: without. `account`: with one of the victim's accounts. `lent_account`: with a
    relative's instead. `stranger`: of somebody whom the register does not have.
    """

    no_id: float = 0.20
    wrong_id: float = 0.002
    new_phone: float = 0.10
    recycled: float = 0.30
    lent_phone: float = 0.03
    misspelt: float = 0.08
    garbled: float = 0.005
    no_name: float = 0.02
    no_division: float = 0.10
    no_phone: float = 0.02
    account: float = 0.60
    lent_account: float = 0.02
    stranger: float = 0.05


@dataclass(slots=True)
class PlantedPerson:
    """An invented person. `family`: the number of the household; `listed`: whether the register has the person."""

    number: int
    name: str
    id_number: str
    phone: str
    accounts: list[str]
    division: str
    family: int
    listed: bool = True


@dataclass(frozen=True, slots=True)
class PlantedRecord:
    """A record as the police write it, its true victim, and how it was damaged."""

    id: str
    victim: int
    reported_at: datetime
    happened_at: datetime
    loss_fen: int
    id_number: str | None
    phone: str | None
    account: str | None
    name: str | None
    division: str | None
    damage: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class PlantedMonth:
    """The people, by number, and the month's records. The first people are those whom the register has."""

    people: list[PlantedPerson]
    records: list[PlantedRecord]

    def identifiable(self, record: PlantedRecord) -> bool:
        """Return True if the record has an identifier by which the register knows its victim: the ID number, or a
        telephone or account of their own that the name, the place or each other supports.
        """
        victim = self.people[record.victim]
        if not victim.listed:
            return False
        if record.id_number == victim.id_number:
            return True
        phone = record.phone == victim.phone
        account = record.account in victim.accounts
        supported = record.name is not None or record.division is not None
        return account or (phone and supported)


def plant(people: int, records: int, seed: int = 1, shares: DamageShares | None = None) -> PlantedMonth:
    """Return a month of `records` records about `people` invented people in the register and some strangers.

    The same seed gives the same month. Names follow the frequency of surnames and of some given names, so that there
    are many namesakes; a third of the people share a household.
    """
    chance = random.Random(seed)
    given = shares or DamageShares()
    strangers = max(1, round(records * given.stranger))
    population = list(_people(chance, people, strangers))
    households: dict[int, list[int]] = {}
    for person in population:
        households.setdefault(person.family, []).append(person.number)
    clerk = _Clerk(chance, population, people, given)
    made = []
    for number in range(records):
        stranger = chance.random() < given.stranger
        victim = chance.randrange(people, people + strangers) if stranger else chance.randrange(people)
        relatives = [population[each] for each in households[population[victim].family] if each != victim]
        made.append(clerk.write(number, population[victim], chance.choice(relatives) if relatives else None))
    return PlantedMonth(population, made)


def _people(chance: random.Random, listed: int, strangers: int) -> Iterator[PlantedPerson]:
    family, surname, division, left = 0, "", "", 0
    for number in range(listed + strangers):
        if left == 0 or number == listed:
            family, left = family + 1, chance.choice((1, 1, 1, 2, 3))
            surname, division = chance.choices(SURNAMES, _surname_weights())[0], _place(chance)
        left -= 1
        own = surname if chance.random() < 0.6 else chance.choices(SURNAMES, _surname_weights())[0]
        accounts = [f"62{chance.randrange(10**15):015}" for _ in range(chance.choice((1, 1, 2, 3)))]
        name, born = own + _given_name(chance), _born(chance)
        yield PlantedPerson(
            number, name, _id_number(chance, born, number), _phone(number), accounts, division, family, number < listed
        )


def _surname_weights() -> list[float]:
    return [1 / (place + 2.0) for place in range(len(SURNAMES))]


def _given_name(chance: random.Random) -> str:
    weights = [1 / (place + 3.0) for place in range(len(GIVEN))]
    return "".join(chance.choices(GIVEN, weights, k=chance.choice((1, 1, 2, 2, 2))))


def _place(chance: random.Random) -> str:
    return f"{chance.choice(COUNTIES)}{chance.randrange(1, 13):03}"


def _born(chance: random.Random) -> date:
    return date(1940, 1, 1) + timedelta(days=chance.randrange(68 * 365))


def _phone(number: int) -> str:
    return f"142{number:08}"


def _id_number(chance: random.Random, born: date, number: int) -> str:
    """Return an ID number with the check character of GB 11643 (ISO 7064 MOD 11-2), unlike that of anybody else."""
    body = f"99{number // 1000 % 10_000:04}{born:%Y%m%d}{number % 1000:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


@dataclass(slots=True)
class _Clerk:
    """Writes records, and damages them. `listed`: number of people in the register; `damage`: of the present record."""

    chance: random.Random
    people: list[PlantedPerson]
    listed: int
    shares: DamageShares
    damage: set[str] = field(default_factory=set)

    def write(self, number: int, victim: PlantedPerson, relative: PlantedPerson | None) -> PlantedRecord:
        chance, self.damage = self.chance, set() if victim.listed else {"stranger"}
        happened = MONTH + timedelta(minutes=chance.randrange(30 * 24 * 60))
        return PlantedRecord(
            id=f"A22{number:09}",
            victim=victim.number,
            reported_at=happened + timedelta(hours=chance.randrange(1, 96)),
            happened_at=happened,
            loss_fen=100 * round(chance.lognormvariate(9.2, 1.3)),
            id_number=self._id_number(victim),
            phone=self._phone(number, victim, relative),
            account=self._account(victim, relative),
            name=self._name(victim),
            division=None if self._happens("no_division") else victim.division[: chance.choice((6, 9))],
            damage=frozenset(self.damage),
        )

    def _happens(self, kind: str) -> bool:
        if self.chance.random() >= getattr(self.shares, kind):
            return False
        self.damage.add(kind)
        return True

    def _somebody(self) -> PlantedPerson:
        return self.people[self.chance.randrange(self.listed)]

    def _id_number(self, victim: PlantedPerson) -> str | None:
        if self._happens("no_id"):
            return None
        return self._somebody().id_number if self._happens("wrong_id") else victim.id_number

    def _phone(self, number: int, victim: PlantedPerson, relative: PlantedPerson | None) -> str | None:
        if self._happens("no_phone"):
            return None
        if self._happens("new_phone"):
            return self._somebody().phone if self._happens("recycled") else f"142{90_000_000 + number:08}"
        return relative.phone if relative is not None and self._happens("lent_phone") else victim.phone

    def _account(self, victim: PlantedPerson, relative: PlantedPerson | None) -> str | None:
        if self.chance.random() >= self.shares.account:
            return None
        lent = relative is not None and self._happens("lent_account")
        return self.chance.choice(relative.accounts if relative is not None and lent else victim.accounts)

    def _name(self, victim: PlantedPerson) -> str | None:
        if self._happens("no_name"):
            return None
        if self._happens("garbled"):
            return victim.name[0] + _given_name(self.chance)
        return _misspelt(self.chance, victim.name) if self._happens("misspelt") else victim.name


def _misspelt(chance: random.Random, name: str) -> str:
    """Return the name with one character that sounds the same, another one, one missing or two exchanged."""
    alike = [place for place, each in enumerate(name) if each in ALIKE]
    if alike and chance.random() < 0.6:
        place = chance.choice(alike)
        return name[:place] + ALIKE[name[place]] + name[place + 1 :]
    place = chance.randrange(1, len(name))
    kind = chance.choice(("other", "other", "missing", "exchanged"))
    if kind == "missing" and len(name) > 2:
        return name[:place] + name[place + 1 :]
    if kind == "exchanged" and len(name) > 2 and name[1] != name[2]:
        return name[0] + name[2] + name[1] + name[3:]
    other = chance.choice([each for each in GIVEN if each != name[place]])
    return name[:place] + other + name[place + 1 :]
