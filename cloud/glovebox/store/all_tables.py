"""Every table of the product, so that migrations and tests see the whole schema."""

from glovebox.accounts import tables as accounts
from glovebox.audit import tables as audit
from glovebox.blocks import tables as blocks
from glovebox.boxes import tables as boxes
from glovebox.feeds import tables as feeds
from glovebox.fleet import tables as fleet
from glovebox.incidents import tables as incidents
from glovebox.messages import tables as messages
from glovebox.people import tables as people
from glovebox.policies import tables as policies
from glovebox.records import tables as records
from glovebox.reservations import tables as reservations
from glovebox.series import tables as series
from glovebox.store.schema import metadata
from glovebox.today import tables as today
from glovebox.trips import tables as trips
from glovebox.waiting import tables as waiting

FEATURES = (
    accounts,
    audit,
    blocks,
    boxes,
    feeds,
    fleet,
    incidents,
    messages,
    people,
    policies,
    records,
    reservations,
    series,
    today,
    trips,
    waiting,
)

__all__ = ["FEATURES", "metadata"]
