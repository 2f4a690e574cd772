"""Password strength: estimates whether an attacker who tries common words and patterns first finds a password soon.

As NIST SP 800-63B-4 advises, a new password is compared with commonly chosen or expected ones, and its composition is
free. zxcvbn estimates an attacker's tries: it knows leaked passwords, English words, keyboard runs, repetitions and
dates. We add Chinese words, and obvious words in an anti-fraud centre of Jilin: our own choice after the yearly
published lists of leaked passwords.
"""

from collections.abc import Iterable

from zxcvbn import zxcvbn

LEAST_SCORE = 3  # of zxcvbn's 0 to 4: over 10^8 tries, so that a stolen hash takes long
LOOKED_AT = 48  # characters: more take zxcvbn seconds, and a good password is good by then
_CHINA = (
    "woaini woaiwojia woaizhongguo woshi wode mima wodemima nihao zhongguo china beijing shanghai taobao weixin wechat "
    "baidu alibaba tencent 5201314 1314520 1314521 520520 147258369 159357 456852 我爱你 密码 你好 中国 管理员 "
    "一生一世 一二三四五六七八九十"
)
_OURS = (
    "quanzu quanzu96110 96110 jilin changchun siping liaoyuan tonghua baishan songyuan baicheng yanbian yanji police "
    "gongan jingcha fanzha zhapian antifraud fraud console operator officer supervisor auditor "
    "劝阻 反诈 公安 警察 吉林 吉林省 长春 延边 延吉 四平 通化 白山 松原 白城 辽源"
)
_WORDS = tuple(f"{_CHINA} {_OURS}".split())


def guessable(password: str, near: Iterable[str] = ()) -> bool:
    """Return True if an attacker finds the password within 10^8 tries, as zxcvbn estimates.

    Only the first 48 characters count. `near`: words that are obvious for this person, beside the general ones.
    """
    found = zxcvbn(password[:LOOKED_AT], user_inputs=[*near, *_WORDS])
    return bool(found["score"] < LEAST_SCORE)
