"""Every text of ours is there in all languages, and says one thing in each."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from jinja2.utils import _PassArg

from console import policy_faults, terminal
from console.web.kit import navigation
from console.web.kit.i18n import LANGUAGES, LOCALE, place, translations
from console.web.kit.pages import environment
from console.web.kit.wording import wording
from console.web.overview import audit_words
from domain.identity import divisions
from domain.policy import load
from domain.risk.reasons import reasons as reasons_of
from domain.wording import catalogue, codes, labels, money_labels, people_labels, province_names, search_labels
from schemas.codes.any_code import AnyCode
from schemas.codes.base import by_name
from schemas.codes.danger import CombinedEvidence
from schemas.codes.people import Said
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState
from streams.runtime.settings import POLICY

WEB = LOCALE.parent
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"templates/**.html": {"trimmed": "true"}, "**.py": {"encoding": "utf-8"}}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "translate": (2,),
    "N_": None,
    "say": None,
    "FormError": (2,),
}
# A Chinese character beside a Latin letter or a figure. Of the places to fill in, these are filled with figures.
HAN, LATIN = "[\u3400-\u9fff]", "[A-Za-z0-9]"
TIGHT = re.compile(f"{HAN}{LATIN}|{LATIN}{HAN}")
FIGURE = re.compile(r"%\((?:n|at|until|attempt|hours|seconds|amount_fen|yuan)\)s|\{(?:n|h|m|s|time|yuan)\}")
PLACE = re.compile(r"%\(\w+\)s|\{\w+\}")
DOCUMENT = re.compile("〔\\d{4}〕\\d+号")  # as the authorities write it: 银发〔2016〕86号
# A criminal case, a police record or an incident of another kind. A case of this system is 경보.
OTHER_CASE = re.compile("사건 기록|사건 때문에|보안 사건|다른 사건을 처리|사건과 무관한 계좌")
MARKED = '<span lang="zh">张</span>*'
TODAY = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
LONGEST = timedelta(hours=6)
# A count before a noun in the plural, which is wrong of one.
COUNTS = "n|many|idle|days|hours|minutes|seconds|accounts|hops|layers|cases|places|officers|persons"
PLURAL = re.compile(rf"%\((?:{COUNTS})\)s [a-z]+s\b")
OTHERS = [language for language in LANGUAGES if language != "zh"]
# Words that the police do not use here (立案 and 案件 belong to a criminal case), or a second word for one thing.
RETIRED = {
    "zh": "挽回|挽损|保住|研判|立案|结案|案件|此案|本案|团伙|劝服|续止付|机器人|静默|明文|预警中心|认领|警情"
    "|见面劝阻|劝阻员|接线员|话务员|解除专员|止付台|主管|对方账户|记事|在途拦截",
    "en": r"not persuaded|robot|\bunmask|\bmoney kept|warning centre|\bsilent feed|[Bb]rushing|^Free$|[Rr]elease desk"
    "|suspect list|paying bank",
    "ko": "고객님|어르신|해동비|해제금|격자|로봇|경보센터|보전액|지킨|누계|연락|지급정지"
    "|연결|연동|녹음|녹화|누락|유출|유입|이용|(?<![가-힣])이유|영수증|경찰관",  # as it is spelt and said in Yanbian
}
# Kept in another sense: an incident of the police, and an alarm without a sound.
OTHER_SENSE = re.compile("重大警情|其他警情|静默报警|^静默：不要|静默时本机不响")
DEPLOY = POLICY.parents[1]
TERMINAL = Path(terminal.__file__)
BOARDS = (TERMINAL, *DEPLOY.glob("grafana/dashboards/*.json"), *DEPLOY.glob("prometheus/rules/*.yml"))
SCRIPTS = tuple(DEPLOY.glob("scripts/*.toml"))
SPOKEN = (*DEPLOY.glob("policy/*.toml"), *SCRIPTS)


def texts() -> Iterator[tuple[str, str]]:
    """Each text, and where it stands."""
    for name, line, message, _, _ in extract_from_dir(WEB, METHODS, OPTIONS, KEYWORDS):
        for text in message if isinstance(message, tuple) else (message,):
            yield text, f"{name}:{line}"
    for item in navigation.ITEMS:
        yield item.words, "navigation.py"
    yield from labelled()
    yield from ((text, "labels.py") for text in labels.TIMERS)
    yield from ((text, "policy_faults.py") for text in policy_faults.SENTENCES.values())
    yield from ((kind.zh, name) for name, kind in by_name(AnyCode).items())
    yield from ((text, "wording/codes.py") for text in codes.TEXTS)
    risk = load(POLICY.read_text("utf-8")).risk
    yield from ((text, POLICY.name) for text in (*(scam.name for scam in risk.scams.values()), *fused()))


def labelled() -> Iterator[tuple[str, str]]:
    """Each label of a table, and its module."""
    for module in (labels, money_labels, people_labels, province_names, search_labels):
        for name, table in vars(module).items():
            if name.isupper() and isinstance(table, Mapping):
                yield from ((text, module.__name__) for text in table.values())


def fused() -> list[str]:
    """The deployed policy's words for what is more than its sum."""
    return [rule.words for rule in load(POLICY.read_text("utf-8")).risk.together]


def messages(language: str) -> Iterator[tuple[str, Message]]:
    """Each entry of a language's catalogues, and the file's name."""
    for file in sorted(file for folder in (LOCALE, catalogue.LOCALE) for file in (folder / language).glob("*.po")):
        with file.open("rb") as opened:
            found = [message for message in read_po(opened) if message.id]
        assert file.read_text("utf-8").count('\nmsgid "') == len(found), f"{file.name} has a text twice"
        yield from ((file.name, message) for message in found)


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    known = translations(language)
    missing = {text: where for text, where in texts() if known.gettext(text) == text and not text.isascii()}
    assert missing == {}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_same_places_to_fill_in(language: str) -> None:
    for file, message in messages(language):
        assert places(str(message.string)) == places(str(message.id)), f"{file}: {message.id}"


@pytest.mark.parametrize("language", OTHERS)
def test_a_text_stands_in_one_catalogue_so_that_it_has_one_translation(language: str) -> None:
    """What several parts say stands in base.po or labels.po. A word that means two things takes a context."""
    found = Counter((str(message.id), message.context) for _, message in messages(language))
    found.update((name, None) for name in divisions.names(language))
    assert [text for text, times in found.items() if times > 1] == []


def test_a_screen_uses_the_police_s_terms() -> None:
    """The glossary's column "screen" has the terms."""
    said = [(text, where) for text, where in texts() if retired(text, "zh")]
    assert said == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_uses_the_standard_terms(language: str) -> None:
    assert [message.string for _, message in messages(language) if retired(str(message.string), language)] == []


def test_chinese_is_set_apart_from_latin_letters_and_figures_by_a_space() -> None:
    """As the glossary says. A place for a name, a label or another Chinese word has none."""
    said = [*texts(), *((text, file.name) for file in SCRIPTS for text in spoken(file))]
    assert [(text, where) for text, where in said if TIGHT.search(in_print(text))] == []


def test_an_english_count_has_no_plural_that_is_wrong_of_one() -> None:
    assert [(file, text.string) for file, text in messages("en") if PLURAL.search(str(text.string))] == []


def test_a_case_has_one_name_in_korean() -> None:
    assert [m.string for _, m in messages("ko") if "사건" in OTHER_CASE.sub("", str(m.string))] == []


@pytest.mark.parametrize(("language", "shown"), [("zh", "张*"), ("en", MARKED), ("ko", MARKED)])
def test_a_name_on_a_page_in_another_language_is_marked_as_chinese(language: str, shown: str) -> None:
    assert environment(language).from_string("{{ name | masked_name }}").render(name="张三") == shown


def in_print(text: str) -> str:
    """A text as it looks when its places are filled in, without the numbers of documents."""
    return PLACE.sub("…", FIGURE.sub("1", DOCUMENT.sub("…", text)))


def spoken(script: Path) -> list[str]:
    """The Chinese texts of a conversation's script."""
    return re.findall(r'\bzh = "([^"]*)"', script.read_text("utf-8"))


def test_boards_and_alarms_use_the_police_s_terms() -> None:
    assert {file.name for file in BOARDS if retired(file.read_text("utf-8"), "zh")} == set()


def test_residents_are_addressed_in_one_way() -> None:
    assert {file.name for file in SPOKEN if retired(file.read_text("utf-8"), "ko")} == set()


def test_no_catalogue_has_a_text_that_nobody_says() -> None:
    said = {text for text, _ in texts()}
    sources = "".join(file.read_text("utf-8") for file in sorted(WEB.rglob("*.py")))
    for language in OTHERS:
        ids = [str(message.id) for _, message in messages(language)]
        assert [text for text in ids if text not in said and f'"{text}"' not in sources] == []


def test_every_place_of_the_register_is_named_in_each_language() -> None:
    register = {
        name for code in map(str, range(220000, 223000)) if (name := divisions.name_of(code, TODAY.date())) != code
    }
    assert len(register) > 60
    counties = divisions.counties(TODAY.date())
    streets = {street.name for county in counties for street in divisions.streets(county.code)}
    assert len(streets) > 900
    for language in OTHERS:
        assert (register | streets) - divisions.names(language).keys() == set()


@pytest.mark.parametrize(
    ("chinese", "language", "told"),
    [
        ("南关区 南岭街道", "en", "Nanguan District Nanling Subdistrict"),
        ("延吉市 河南街道", "ko", "연길시 하남가두"),
        ("敦化市 长安乡", "en", "Dunhua 长安乡"),
        ("汪清镇", "ko", "왕청진"),
        ("南关区派出所", "en", "Nanguan District Police Station"),
        ("南岭派出所", "en", "Nanling Police Station"),
        ("河南派出所", "ko", "하남파출소"),
        ("扶余站", "en", "扶余站"),
        ("南岭派出所", "zh", "南岭派出所"),
    ],
)
def test_streets_and_stations_are_read_in_each_language(chinese: str, language: str, told: str) -> None:
    assert place(chinese, translations(language).gettext) == told


@pytest.mark.parametrize(
    ("language", "told"),
    [("zh", "铁东区 七马路街道"), ("en", "Tiedong District Qimalu Subdistrict"), ("ko", "철동구 칠마로가두")],
)
def test_a_street_does_not_repeat_its_county(language: str, told: str) -> None:
    assert place("铁东区 四平市铁东区七马路街道", translations(language).gettext) == told


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    """Any kind, of any age and length."""
    return Evidence(
        id=draw(st.sampled_from(["a", "b", "c"])),
        kind=draw(st.sampled_from(EvidenceKind)),
        at=TODAY - timedelta(seconds=draw(st.integers(-60, 40 * 86_400))),
        partition=0,
        offset=0,
        seconds=draw(st.integers(0, 90_000)),
        ongoing=draw(st.booleans()),
        state=draw(st.sampled_from(TransferState)),
        amount_fen=draw(st.none() | st.integers(0, 10**10)),
    )


@given(st.lists(evidence(), min_size=1, max_size=8), st.lists(st.sampled_from(fused()), unique=True))
def test_every_reason_is_told_in_each_language_with_all_its_figures(found: list[Evidence], together: list[str]) -> None:
    for reason in reasons_of(found, together, TODAY, LONGEST):
        chinese = wording("zh").sentence(reason)
        for language in OTHERS:
            words = wording(language).sentence(reason)
            assert not any("一" <= sign <= "鿿" for sign in words), words
            assert all(figure in words for figure in re.findall(r"\d[\d,.]*", chinese)), words


def test_a_policy_s_words_that_no_catalogue_has_stay_as_they_are() -> None:
    assert wording("en").sentence(CombinedEvidence("某地自定的理由")) == "某地自定的理由"


def test_what_a_person_wrote_is_not_translated() -> None:
    assert wording("en").sentence(Said("刚刚")) == "刚刚"


def places(text: str) -> set[str]:
    """What a text is filled in with, as %(name)s or {name}."""
    percent = {part.split(")")[0] for part in text.split("%(")[1:]}
    try:
        braces = {name for _, name, _, _ in Formatter().parse(text) if name}
    except ValueError:  # a lone brace is a brace
        braces = set()
    return percent | braces


def test_no_template_says_anything_that_is_not_translated() -> None:
    """Chinese outside of a comment, a translation or an attribute's translation would be Chinese in every language."""
    extracted = {text for text, _ in texts()}
    for file in sorted(Path(WEB / "templates").glob("**/*.html")):
        rest = _filled_in(_without_comments(file.read_text(encoding="utf-8")))
        for text in sorted(extracted, key=len, reverse=True):
            rest = rest.replace(text, "")
        left = [line.strip() for line in rest.splitlines() if any("一" <= sign <= "鿿" for sign in line)]
        assert [line for line in left if "劝阻" not in line] == [], file.name


def _filled_in(text: str) -> str:
    """What stands in a trans block as its text has it: {{ n }} is %(n)s, and blanks are one."""
    return re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", text)


def _without_comments(text: str) -> str:
    while (begin := text.find("{#")) >= 0:
        text = text[:begin] + text[text.index("#}", begin) + 2 :]
    return text


def retired(text: str, language: str) -> bool:
    """Return whether `text` uses a term that has a standard one."""
    return bool(re.search(RETIRED[language], OTHER_SENSE.sub("", text), re.IGNORECASE))


def test_every_act_of_the_audit_has_words_in_the_menu() -> None:
    """Of the acts whose name is written in the source as a whole."""
    sources = "".join(file.read_text("utf-8") for top in ("console", "streams") for file in Path(top).rglob("*.py"))
    written = set(re.findall(r'(?:trail\.write\([\w.() ,]*who, |act=|_tell\(|_acted\([\w, ]*)"([a-z-]+)"', sources))
    assert written > {"release-asked", "policy-published", "feed-silent", "account-disabled"}
    known = {act for group in audit_words.GROUPS.values() for act in group.acts}
    assert written - known == set()


def test_a_template_that_was_compiled_in_one_language_is_not_compiled_in_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chinese, english = (environment.__wrapped__(language) for language in ("zh", "en"))
    assert chinese.get_template("sign_in.html").environment is chinese
    compiled = list[object]()
    monkeypatch.setattr(english, "compile", lambda *given: compiled.append(given))
    assert english.get_template("sign_in.html").environment is english
    assert compiled == []


def test_no_filter_that_differs_by_language_is_applied_to_constants_when_a_template_is_compiled() -> None:
    chinese, korean = environment("zh").filters, environment("ko").filters
    differ = {name for name, change in chinese.items() if change is not korean[name]}
    assert {"sentence", "place", "marked"} <= differ
    assert {name for name in differ if _PassArg.from_obj(chinese[name]) is not _PassArg.context} == set()
