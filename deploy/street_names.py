# /// script
# requires-python = ">=3.11"
# dependencies = ["hanja==0.15.1", "opencc-python-reimplemented==0.1.7", "pypinyin==0.55.0", "setuptools<81"]
# ///
"""English and Korean names of Jilin's streets: `.venv/bin/uv run --no-project deploy/street_names.py` writes
domain/identity/gb2260/jilin_street_names.csv.

It is run again when the register of streets changes. uv fetches what it needs for this one run: nothing of it is
installed with Quanzu. English is pinyin with the kind of place translated; Korean is the Korean reading of the
characters, as Yanbian writes it: 룡, 료 and 림 are not softened at the beginning of a word.
"""

import csv
import re
from functools import cache
from pathlib import Path

import hanja
import opencc
from pypinyin import Style, lazy_pinyin, load_phrases_dict, load_single_dict

FOLDER = Path(__file__).parents[1] / "domain" / "identity" / "gb2260"
KINDS = {  # the longest is found first
    "经济技术开发区": "Economic and Technological Development Zone",
    "经济开发区": "Economic Development Zone",
    "开发区": "Development Zone",
    "工业集中区": "Industrial Zone",
    "工业区": "Industrial Zone",
    "产业园区": "Industrial Park",
    "朝鲜族满族乡": "Korean and Manchu Township",
    "满族朝鲜族乡": "Manchu and Korean Township",
    "朝鲜族镇": "Korean Town",
    "朝鲜族乡": "Korean Township",
    "满族镇": "Manchu Town",
    "满族乡": "Manchu Township",
    "蒙古族镇": "Mongol Town",
    "蒙古族乡": "Mongol Township",
    "回族镇": "Hui Town",
    "回族乡": "Hui Township",
    "锡伯族乡": "Xibe Township",
    "满族蒙古族锡伯族乡": "Manchu, Mongol and Xibe Township",
    "区特殊乡镇": "District",
    "经济开发区特殊乡镇": "Economic Development Zone",
    "经济开发区特殊街道": "Economic Development Zone",
    "经济技术开发区特殊乡镇": "Economic and Technological Development Zone",
    "高新技术产业开发区特殊街道": "High-tech Industrial Zone",
    "街道": "Subdistrict",
    "镇": "Town",
    "乡": "Township",
    "林业局": "Forestry Bureau",
    "林业有限公司": "Forestry Company",
    "国有林保护中心": "State Forest Conservation Centre",
    "国有林总场": "State Forest Farm",
    "国营林场": "State Forest Farm",
    "机械林场": "Mechanised Forest Farm",
    "林场": "Forest Farm",
    "果树农场": "Fruit Farm",
    "农场": "Farm",
    "畜牧场": "Stock Farm",
    "牧场": "Pasture",
    "国营渔场": "State Fishery",
    "商业渔场": "Commercial Fishery",
    "渔场": "Fishery",
    "余热鱼苗繁殖场": "Fish Hatchery",
    "种畜场": "Stock Farm",
    "种牛场": "Cattle Farm",
    "牛场": "Cattle Farm",
    "种羊场": "Sheep Farm",
    "种猪场": "Pig Farm",
    "猪场": "Pig Farm",
    "种马场": "Horse Farm",
    "马场": "Horse Farm",
    "鹿场": "Deer Farm",
    "饲养场": "Animal Farm",
    "良种繁育基地": "Seed Breeding Base",
    "良种繁育场": "Seed Breeding Farm",
    "原种繁殖场": "Seed Breeding Farm",
    "良种场": "Seed Farm",
    "原种场": "Seed Farm",
    "灌区管理局": "Irrigation Bureau",
    "农科院": "Academy of Agricultural Sciences",
    "高新技术开发区": "High-tech Development Zone",
    "旅游经济开发区": "Tourism Economic Development Zone",
    "环城工业集中区": "Ring Industrial Zone",
    "新兴工业集中区": "Emerging Industrial Zone",
    "水库": "Reservoir",
    "新村": "New Village",
}
FIRST = {
    "吉林": "Jilin",
    "前郭尔罗斯": "Qian Gorlos",
    "长白山保护开发区": "Changbaishan Development Zone",
    "长白山森工集团": "Changbaishan Forest Industry Group",
    "市": "City",
    "省": "Province",
}
SAID = {"长": "cháng", "朝": "cháo", "参": "shēn", "都": "dū", "珲": "hún", "乾": "qián", "查": "chá", "什": "shí"}
WORDS = {"街道": "가두", "蒙古": "몽골", "郭尔罗斯": "곽르로스"}  # what Yanbian says, whatever the readings
OTHERWISE = {"乾": "건", "干": "간", "车": "차", "金": "금", "宁": "녕", "台": "태", "洮": "조", "珲": "훈"}
_SCRIPT = opencc.OpenCC("s2t")


def main() -> None:
    """Write jilin_street_names.csv with the English and Korean name of each street of jilin_streets.csv, sorted by the
    Chinese name. Raises OSError if a file cannot be read or written.
    """
    load_single_dict({ord(sign): sound for sign, sound in SAID.items()})
    load_phrases_dict({"朝阳": [["cháo"], ["yáng"]], "长春": [["cháng"], ["chūn"]]})
    with (FOLDER / "jilin_streets.csv").open(encoding="utf-8") as file:
        names = sorted({row["name"] for row in csv.DictReader(file)})
    with (FOLDER / "jilin_street_names.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "en", "ko"])
        writer.writerows([name, english(name), korean(name)] for name in names)


def english(name: str) -> str:
    """Return a street's English name: pinyin, with the kind of place (such as Subdistrict) and a county's name at its
    beginning in English.
    """
    plain = re.sub("（省级）|[（）()]", "", name)
    kind = next((kind for kind in sorted(KINDS, key=len, reverse=True) if plain.endswith(kind)), "")
    words, proper = [], plain.removesuffix(kind)
    known = FIRST | _counties()
    while first := next((each for each in sorted(known, key=len, reverse=True) if proper.startswith(each)), ""):
        words.append(known[first])
        proper = proper.removeprefix(first)
    return " ".join(part for part in (*words, _word(proper), KINDS.get(kind, "")) if part)


@cache
def _counties() -> dict[str, str]:
    """Return the English names of counties and prefectures by their full Chinese names."""
    with (FOLDER / "jilin_names.csv").open(encoding="utf-8") as file:
        return {row["name"]: row["en"] for row in csv.DictReader(file) if row["name"][-1] in "市县区"}


def korean(name: str) -> str:
    """Return the Korean reading (Hangul) of a street's Chinese name. Brackets are left out; signs that are not Chinese
    stay.
    """
    plain = re.sub("[（）()]", "", name)
    for chinese, said in WORDS.items():
        plain = plain.replace(chinese, said)
    return "".join(_reading(sign) if sign > "\u2fff" and sign < "\uac00" else sign for sign in plain)


def _word(proper: str) -> str:
    """Return a name's pinyin as one word; an apostrophe parts syllables that could be read together."""
    syllables = lazy_pinyin(proper, style=Style.NORMAL)
    joined = "".join(f"'{each}" if number and each[0] in "aeo" else each for number, each in enumerate(syllables))
    return joined.replace("lv", "lü").replace("nv", "nü").capitalize()


def _reading(sign: str) -> str:
    return OTHERWISE.get(sign) or hanja.translate(f"一{_SCRIPT.convert(sign)}", "substitution")[1:]


if __name__ == "__main__":
    main()
