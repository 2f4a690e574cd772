"""Invented names: common surnames and given names, combined at random. Any likeness to a person is coincidence."""

from random import Random

from schemas.people.residents import Sex

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
_MEN = "伟强磊军勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆旭东海峰建国志文德林春生洪庆福成龙"
_WOMEN = "芳娜敏静丽艳娟霞秀玲燕桂英红梅兰凤洁琴云莲雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉淑慧巧雅"
_KOREAN_SURNAMES = "金朴崔李郑姜赵尹张林韩吴申徐权黄安宋柳洪全高文孙裴"
_KOREAN_GIVEN = "哲洙永浩成日京美淑善英顺爱贞姬花子今兰玉春红梅光龙虎东铉男镇国学万吉"


def name(chance: Random, sex: Sex, korean: bool = False) -> str:
    """Return an invented Chinese name, the surname first, with a given name of one or two characters that fits `sex`.
    `korean`: True for a Korean-Chinese person, whose given name always has two characters and does not depend on `sex`.
    """
    if korean:
        return chance.choice(_KOREAN_SURNAMES) + "".join(chance.sample(_KOREAN_GIVEN, 2))
    given = _MEN if sex is Sex.MALE else _WOMEN
    return chance.choice(_SURNAMES) + "".join(chance.sample(given, chance.choice((1, 2, 2))))
