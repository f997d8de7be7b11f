"""Boxes: claim, assignment, live state, commands."""

from collections.abc import Iterable

from sqlalchemy import Connection

from glovebox.boxes.schemas import Box, Command, CommandKind, Live
from glovebox.clock import Entropy
from glovebox.keys import Keyring
from glovebox.scope import Scope


def list_live(tx: Connection, vehicle_ids: Iterable[int] | None = None) -> dict[int, Live]:
    """What each car's box said last, by vehicle id; a car without a box is absent. `is_linked` comes from
    the hub: see `Hub.linked`."""
    raise NotImplementedError


def list_boxes(tx: Connection, scope: Scope) -> list[Box]:
    """Boxes of the managed organisations' cars, and those in no car for the system."""
    raise NotImplementedError


def add_claim_token(
    tx: Connection, now: int, scope: Scope, keyring: Keyring, entropy: Entropy, vehicle_id: int
) -> str:
    """A single-use token, valid 15 minutes, by which an installer's tool claims a box for this car. Raises
    NotFound, Forbidden."""
    raise NotImplementedError


def add_command(
    tx: Connection,
    now: int,
    scope: Scope,
    vehicle_id: int,
    kind: CommandKind,
    reason: str,
    *,
    argument: int = 0,
    expires_in_s: int = 60,
) -> int:
    """Queues a command for a car's box; told at once over an open link, dropped when it expires.
    `open_for`: argument = reservation id, a driver for the own reservation. Others need a role. Raises
    NotFound, Forbidden, Conflict (no box)."""
    raise NotImplementedError


def list_commands(tx: Connection, scope: Scope, vehicle_id: int, limit: int = 20) -> list[Command]:
    """A car's last commands, newest first."""
    raise NotImplementedError


def get_command(tx: Connection, scope: Scope, command_id: int) -> Command:
    """One command, to watch its answer. Raises NotFound."""
    raise NotImplementedError
