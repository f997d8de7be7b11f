"""Console: reservations that wait for an approver."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.responses import Response

from glovebox.errors import Conflict, Invalid
from glovebox.reservations import approval
from glovebox.web.page import Id, Page, PageRoute, page_with
from glovebox.web.vehicle_pages import note_people

router = APIRouter(prefix="/console/approvals", route_class=PageRoute, include_in_schema=False)
ApprovalPage = Annotated[Page, Depends(page_with("approvals"))]


@router.get("")
def list_waiting(page: ApprovalPage) -> Response:
    """What waits for this approver, the most urgent first."""
    return _waiting(page, "")


def _waiting(page: Page, problem: str) -> Response:
    with page.cloud.store.read() as tx:
        found = approval.list_waiting(tx, page.viewer.scope)
    note_people(page, "approvals", "", {one.person_id for one in found})
    return page.render("console/approvals.html", 422 if problem else 200, waiting=found, problem=problem)


@router.post("/{waiting_id}")
def answer(waiting_id: Id, page: ApprovalPage) -> Response:
    """Approves, or refuses with a reason: one action."""
    scope, now, reason = page.viewer.scope, page.now, page.text("reason")[:200]
    is_refused = bool(page.text("refuse"))

    def job(tx: Connection) -> None:
        if is_refused:
            approval.refuse(tx, now, scope, waiting_id, reason)
        else:
            approval.approve(tx, now, scope, waiting_id)

    try:
        page.cloud.writer.run(job)
    except (Invalid, Conflict) as error:
        return _waiting(page, page.refuse(error))
    return page.go("/console/approvals", "refused" if is_refused else "approved")
