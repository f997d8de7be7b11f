"""What FastAPI endpoints depend on: the cloud, a read-only transaction, the scope of who asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Query
from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import HTTPConnection

from glovebox.clock import LAST_INSTANT
from glovebox.cloud import Cloud
from glovebox.scope import Scope

T = TypeVar("T")


def get_cloud(connection: HTTPConnection) -> Cloud:
    """The cloud this application was built with."""
    cloud: Cloud = connection.app.state.cloud
    return cloud


CloudDep = Annotated[Cloud, Depends(get_cloud)]


def read_transaction(cloud: CloudDep) -> Iterator[Connection]:
    """One read-only snapshot for the request. Writes go through `cloud.writer`."""
    with cloud.store.read() as tx:
        yield tx


def get_scope(connection: HTTPConnection, cloud: CloudDep) -> Scope:
    """Who asks, by the session cookie. Raises a GloveboxError of status 401 for nobody."""
    return cloud.authenticate(connection)


PART_LIMIT: Final = 500
"""Rows of a list that one answer holds at most."""
Offset = Annotated[int, Query(ge=0, le=10**9)]
Limit = Annotated[int, Query(ge=1, le=PART_LIMIT)]


@dataclass(frozen=True)
class Part:
    """The part of a list that is asked for, where its service lists it from the beginning."""

    offset: Offset = 0
    limit: Limit = PART_LIMIT

    @property
    def end(self) -> int:
        """How many rows the service need find."""
        return self.offset + self.limit

    def of(self, rows: list[T]) -> list[T]:
        """The part."""
        return rows[self.offset : self.end]


PartDep = Annotated[Part, Depends()]
ReadTx = Annotated[Connection, Depends(read_transaction)]
ScopeDep = Annotated[Scope, Depends(get_scope)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""A row's number in a path or a query, where all is text."""
BodyId = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
"""A row's number in a body: `true`, `"1"` and `1.0` are none."""
Instant = Annotated[int, Field(ge=0, le=LAST_INSTANT)]
"""Seconds since 1970, UTC; the same."""
BodyInstant = Annotated[int, Field(strict=True, ge=0, le=LAST_INSTANT)]
"""The same in a body."""
