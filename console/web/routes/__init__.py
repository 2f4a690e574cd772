"""The routes of the pages and the API, one package for each kind of work. `DOORS` lists all routers for app.py.

May import every package of console/web.
"""

from console.web.kit.door import Door
from console.web.routes.cases import (
    assignments,
    call_in,
    case,
    case_acts,
    claims,
    evidence,
    holds,
    news,
    public_reports,
    queue,
    telephone,
)
from console.web.routes.centre import (
    alarms,
    audit,
    complaints,
    desk,
    handover,
    incidents,
    official,
    policies,
    policy_drafts,
    situation,
    wall,
)
from console.web.routes.field import my_shifts, push, roster_files, rosters, tasks
from console.web.routes.money import objections, orders, own_account, payers, release
from console.web.routes.people import account, approvals, front, guests, health, keys, sign_in, staff, unmask
from console.web.routes.programs import api, integrations, webhooks

DOORS: tuple[Door, ...] = (
    front.door,
    health.door,
    sign_in.door,
    account.door,
    keys.door,
    staff.door,
    approvals.door,
    integrations.door,
    queue.door,
    claims.door,
    assignments.door,
    case.door,
    case_acts.door,
    evidence.door,
    guests.door,
    telephone.door,
    tasks.door,
    push.door,
    alarms.door,
    api.door,
    webhooks.door,
    audit.door,
    unmask.door,
    call_in.door,
    news.door,
    public_reports.door,
    holds.door,
    payers.door,
    incidents.door,
    complaints.door,
    desk.door,
    handover.door,
    situation.door,
    official.door,
    wall.door,
    release.door,
    orders.door,
    own_account.door,
    objections.door,
    rosters.door,
    roster_files.door,
    my_shifts.door,
    policies.door,
    policy_drafts.door,
)
