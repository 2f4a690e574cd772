"""Routes of a case's evidence files: the page that lists and adds files, and the picture of each file."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from console.web.auth import trail, unmask
from console.web.auth.who import NotFoundError, Signed
from console.web.auth.words import N_
from console.web.case import evidence
from console.web.case.acts import found
from console.web.kit.door import DESK, Door
from console.web.kit.filled import filled, new_form
from console.web.kit.pages import page
from console.web.kit.services import services
from console.web.routes.cases.case import READERS
from domain.casework.evidence.adding import file_of
from schemas.casework.evidence_files import MOST_FILES, FileRefusal

door = Door("/cases")
WORDS: Mapping[FileRefusal, str] = {
    FileRefusal.EMPTY: N_("文件是空的。"),
    FileRefusal.TOO_LARGE: N_("文件过大：每份最多 12 MB。"),
    FileRefusal.TOO_MANY: N_("文件过多：一次最多 6 份，一个预警最多 24 份。一份都没有保存。"),
    FileRefusal.PDF: N_("不接受 PDF：请截图或拍照后上传。"),
    FileRefusal.HEIC: N_("不接受 HEIC：请在手机上截图，或在相机设置中选择 JPEG。"),
    FileRefusal.NO_PICTURE: N_("不是图片：只接受 JPEG、PNG 和 WebP。"),
    FileRefusal.TOO_MANY_PIXELS: N_("图片过大：最多 2500 万像素。"),
    FileRefusal.UNREADABLE: N_("图片损坏或不完整，无法读取。"),
    FileRefusal.EARLIER_CASE: N_("此居民已有更新的预警：请添加到最新的预警。"),
    FileRefusal.NOT_TAKEN: N_("预警尚未收下这些文件：请稍后重新添加，同一份只会保存一次。"),
}
"""Why a file was not added, in Chinese."""

SAFE = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Content-Disposition": 'inline; filename="evidence.jpg"',
    "Cache-Control": "no-store",
}


def place(case_id: str, refused: Sequence[FileRefusal] = ()) -> str:
    """Return the address of a case's evidence page. `refused`: why files were not added; the page at this address shows
    these reasons.
    """
    query = urlencode([("refused", each.value) for each in dict.fromkeys(refused)])
    return f"/cases/{case_id}/evidence" + (f"?{query}" if query else "")


@door.page("/{case_id}/evidence", READERS, name="case-evidence")
async def listed(
    request: Request,
    who: Signed,
    case_id: str,
    refused: Annotated[tuple[FileRefusal, ...], Query()] = (),
) -> Response:
    """Return the page of a case's evidence files. It shows their pictures while the person may see the resident's data.

    Raises NotFoundError if the person's area does not have the case. TimeoutError and SendError of Kafka, and errors of
    Redis, pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    await trail.record_look(made, who, "case", case.id)
    left = await unmask.seconds_left(made, who, case.resident)
    return page(
        request,
        "case_evidence.html",
        case=case,
        left=left,
        form=new_form,
        refused=[WORDS[each] for each in dict.fromkeys(refused)],
        adds=who.role in DESK,
        most=MOST_FILES,
    )


@door.act("/{case_id}/evidence", DESK, name="case-evidence-add")
async def add(request: Request, who: Signed, case_id: str) -> Response:
    """Add the form's files to the case, and redirect to its evidence page, which shows for the files that were not
    added why.

    400 (HTTPException) if the form has no id. Raises NotFoundError if the person's area does not have the case.
    TimeoutError and SendError of Kafka, and errors of Redis, pass through.
    """
    made = services(request)
    await filled(request)
    case = await found(made, who, case_id)
    refused = await evidence.add(made, who, case, await evidence.uploads(request))
    return RedirectResponse(place(case.id, refused), 303)


@door.page("/{case_id}/evidence/{file_id}", READERS, name="case-evidence-picture")
async def picture(request: Request, who: Signed, case_id: str, file_id: str) -> Response:
    """Return the picture (JPEG) of one evidence file, to be shown in the evidence page. Each look is recorded in the
    audit.

    Redirects to the evidence page if the resident's data is not revealed to the person, or if the picture was opened by
    itself, because it would have no watermark. Raises NotFoundError if the person's area does not have the case, or if
    the case does not have the file or no longer stores it. Errors of Kafka (such as TimeoutError and SendError) and
    Redis pass through.
    """
    made = services(request)
    case = await found(made, who, case_id)
    file = file_of(case, file_id)
    if file is None:
        raise NotFoundError
    alone = request.headers.get("sec-fetch-dest", "image") != "image"
    if alone or not await unmask.seconds_left(made, who, case.resident):
        return RedirectResponse(place(case.id), 303)
    found_picture = await evidence.picture_of(made, who, case, file)
    if found_picture is None:
        raise NotFoundError
    return Response(found_picture, media_type="image/jpeg", headers=SAFE)
