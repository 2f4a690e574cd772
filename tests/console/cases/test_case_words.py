"""The words of the case page: its scripts in each language, and the answers to them."""

import pytest

from console.web.case.scripts import SCRIPTS, read, tree_of
from console.web.kit.i18n import translations
from console.web.kit.wording import wording
from domain.wording import labels
from schemas.codes.people import ScriptAnswered

# ------------------------------------------------------------ words


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_script_is_called_as_its_scam_type_is_everywhere_else(language: str) -> None:
    called = {scam: tree_of(scam).title.of(language) for scam in labels.SCAMS}
    assert called == {scam: translations(language).gettext(name) for scam, name in labels.SCAMS.items()}


async def test_the_deployed_scripts_are_found_and_read() -> None:
    assert tree_of("police").scam == "police"
    assert tree_of("something-new").scam == "general"
    assert len(read(SCRIPTS)) == 11


async def test_answers_are_told_in_the_script_s_own_words() -> None:
    told = ScriptAnswered("police", {"opening": "yes", "heard.secret": "yes"})
    assert wording("zh").sentence(told) == "问答（冒充公检法）：方便；被要求保密"
