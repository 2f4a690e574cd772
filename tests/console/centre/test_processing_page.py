"""The record of processing as the auditor sees it, in each language; nobody else opens it."""

from console.reference.processing import record_of_processing
from schemas.people.staff import StaffRole
from tests.console.harness.audit import audited
from tests.console.harness.stage import Stage


async def test_the_auditor_sees_each_kind_of_record_with_its_purpose_and_retention(console: Stage) -> None:
    policy = await console.house.line.policies.live()
    kept = f"{policy.retention.calls.days} 天"
    async with await console.signed_in(StaffRole.AUDITOR, "") as auditor:
        page = (await auditor.get("/processing")).text
        other = (await auditor.get("/processing", headers={"accept-language": "ko"})).text
    for line in record_of_processing(policy, vault=False):
        assert f'id="{line.topic.name}-{line.kind}"' in page
        assert f'id="{line.topic.name}-{line.kind}"' in other
    row = page.split('id="calls-call"')[1].split("</tr>")[0]
    assert kept in row
    assert "反诈法第三十四条" in row
    assert len(await audited(console, "look-processing")) == 2


async def test_nobody_but_an_auditor_opens_it(console: Stage) -> None:
    for role in (StaffRole.OPERATOR, StaffRole.SUPERVISOR, StaffRole.SYSTEM_ADMINISTRATOR):
        async with await console.signed_in(role) as client:
            assert (await client.get("/processing")).status_code == 403
