"""Reads the form of a request about one's own data, and says why it cannot be granted."""

from console.web.auth.words import N_
from console.web.kit.filled import Filled, FormError
from console.web.kit.services import Services
from domain.desk.subject_requests import SubjectDecisionBar, fields_given
from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.people.residents import Language, Occupation, ResidentId, Sex
from schemas.people.subject_requests import Correction
from streams.messaging.topics import home

CORRECTED = ("name", "address", "birth_year", "sex", "occupation", "language")
NO_FILE = N_("没有可下载的文件：请求不再是已同意的状态，或者文件已过期。请运维人员重新生成。")
NO_FIELD = N_("请填写至少一项要更正的内容。")
BARS = {
    SubjectDecisionBar.CHANGED: N_("有人刚处理过这件请求，请看下面的新情况。"),
    SubjectDecisionBar.SAME_PERSON: N_("须由另一人决定：登记人不能决定自己登记的请求。"),
    SubjectDecisionBar.NOT_IN_REGISTER: N_("名册中没有此人，没有可办理的内容。请选择理由后不同意。"),
    SubjectDecisionBar.OPEN_CASE: N_("此人有未办结的预警，不能删除。请先办结预警，或者选择理由后不同意。"),
    SubjectDecisionBar.LEGAL_HOLD: N_("法院或检察院要求保留此人的数据，不能删除。请选择理由后不同意。"),
}


async def has_open_case(made: Services, resident: ResidentId) -> bool:
    """Return True if the resident's latest case is open; False if it is closed, or the resident has none. Raises
    ValidationError if the stored case cannot be parsed. Errors of Redis pass through.
    """
    raw = (await made.line.store.raw_cases(home(resident, made.line.settings.partitions), [resident])).get(resident)
    return raw is not None and Case.model_validate_json(raw, extra=ANY_VERSION).open


def correction_of(given: Filled) -> Correction:
    """Return the fields that the form corrects: those that are filled in. An unknown sex, group or language counts as
    not filled in.

    Raises FormError if no field is filled in or the year is not one from 1900 to 2100, and ValidationError if the name
    or the address is too long or the name has unprintable characters.
    """
    year = given["new_birth_year"]
    if year and not (year.isascii() and year.isdigit() and 1900 <= int(year) <= 2100):
        raise FormError("new_birth_year", N_("出生年份应为四位数字。"))
    correction = Correction(
        name=given["new_name"] or None,
        address=given["new_address"] or None,
        birth_year=int(year) if year else None,
        sex=next((each for each in Sex if each.value == given["new_sex"]), None),
        occupation=next((each for each in Occupation if each.value == given["new_occupation"]), None),
        language=next((each for each in Language if each.value == given["new_language"]), None),
    )
    if not fields_given(correction):
        raise FormError("new_name", NO_FIELD)
    return correction
