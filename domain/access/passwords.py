"""Password strength: how many characters an attacker must guess who tries common words and patterns first.

As NIST SP 800-63B-4 advises, a new password is compared with commonly chosen or expected ones, and its composition is
free. The words are our own choice after the yearly published lists of leaked passwords, plus what suggests itself in an
anti-fraud centre of Jilin; with runs and repetitions they cover the entries of such lists with ten and more characters
("1234567890", "qwertyuiop", "password123", "woaini1314").
"""

from collections.abc import Iterable

SHORTEST = 3  # characters of a run or a repetition; pairs occur in every sentence
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "!@#$%^&*()",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "a1b2c3d4e5f6g7h8i9",
    "1a2b3c4d5e6f7g8h9i",
    "00112233445566778899",
    "aabbccddeeff",
    "一二三四五六七八九十",
)
_RUNS = (*_ROWS, *(row[::-1] for row in _ROWS))
_WORLD = (
    "password passwd passw0rd pass word admin administrator root user guest login welcome letmein master secret access "
    "test temp default changeme iloveyou loveyou love baby monkey dragon tiger eagle lion panda football baseball "
    "basketball soccer hockey superman batman spiderman pokemon naruto princess sunshine shadow michael jordan "
    "jennifer jessica ashley charlie thomas daniel robert andrew hunter killer freedom whatever trustno1 starwars "
    "computer internet google apple samsung huawei xiaomi iphone windows microsoft facebook qwerty asdf zxcv hello "
    "ninja flower summer winter spring autumn january february march april june july august september october november "
    "december monday tuesday wednesday thursday friday saturday sunday"
)
_CHINA = (
    "woaini woaiwojia woaizhongguo woshi wode mima nihao zhongguo china beijing shanghai taobao weixin wechat baidu "
    "alibaba tencent 5201314 1314520 1314521 520520 147258369 159357 456852 我爱你 密码 你好 中国 管理员 一生一世"
)
_OURS = (
    "quanzu quanzu96110 96110 jilin changchun siping liaoyuan tonghua baishan songyuan baicheng yanbian yanji police "
    "gongan jingcha fanzha zhapian antifraud fraud console operator officer supervisor auditor "
    "劝阻 反诈 公安 警察 吉林 吉林省 长春 延边 延吉 四平 通化 白山 松原 白城 辽源"
)
_WORDS = frozenset(f"{_WORLD} {_CHINA} {_OURS}".split())
_LONGEST = max(map(len, _WORDS))
_MEANT = str.maketrans("@430$5", "aaeoss")  # common substitutes for letters


def worth(password: str, near: Iterable[str] = ()) -> int:
    """Return the number of characters to guess: a common word, a run or a repetition counts as one, any other character
    too.

    `near`: words that suggest themselves for this person, besides the general ones.
    """
    text, known = password.lower(), _WORDS | {word.lower() for word in near if len(word) >= SHORTEST}
    at = count = 0
    while at < len(text):
        at += max(1, _word(text, at, known), _run(text, at), _repeated(text, at))
        count += 1
    return count


def _word(text: str, at: int, known: frozenset[str]) -> int:
    """Return the length of the longest known word that begins at `at`, or 0."""
    ends = range(min(len(text), at + max(_LONGEST, *map(len, known))), at + 1, -1)
    words = (text[at:end] for end in ends)
    return next((len(word) for word in words if word in known or word.translate(_MEANT) in known), 0)


def _run(text: str, at: int) -> int:
    """Return the length of the longest keyboard or alphabet run, forward or backward, that begins at `at`, or 0."""
    longest = max(map(len, _RUNS))
    pieces = (text[at:end] for end in range(min(len(text), at + longest), at + SHORTEST - 1, -1))
    return next((len(piece) for piece in pieces if any(piece in run for run in _RUNS)), 0)


def _repeated(text: str, at: int) -> int:
    """Return the length of the longest piece that begins at `at` and also began earlier, or 0."""
    pieces = (text[at:end] for end in range(len(text), at + SHORTEST - 1, -1))
    return next((len(piece) for piece in pieces if text.find(piece, 0, at + len(piece) - 1) >= 0), 0)
