"""What the app lends the link, so that the link knows nothing of the app."""

import asyncio
import time

from micropython import const

SERVED_MOST_MS = const(
    15_000
)  # a driver is served in seconds; a card that comes again and again keeps no news out
_LOOK_MS = const(50)


class Hooks:
    """What the app lends the link; all plain callables but `on_command`, which is async.

    `get_state()` STATE, 22 bytes. `active_faults()` bytes. `list_counters()` pairs, the link's own too.
    `get_settings_version()`. `on_settings(dict)` makes them durable. `on_time(now_s)`.
    `on_authorisations()`: the set has changed. `on_command(command_id, kind, expires_at, role, argument)`
    returns `(result, reason)`. `set_fault(code, detail)`, `clear_fault(code)`. `is_allowed()`: the battery
    bears a link; `is_saving()`: it bears a dozing one. `is_serving()`: a card or a transfer is being served,
    and does not wait for the cloud.
    """

    def __init__(
        self,
        get_state,
        active_faults,
        list_counters,
        get_settings_version,
        on_settings,
        on_time,
        on_authorisations,
        on_command,
        set_fault,
        clear_fault,
        is_allowed,
        is_saving,
        is_serving,
    ):
        self.get_state = get_state
        self.active_faults = active_faults
        self.list_counters = list_counters
        self.get_settings_version = get_settings_version
        self.on_settings = on_settings
        self.on_time = on_time
        self.on_authorisations = on_authorisations
        self.on_command = on_command
        self.set_fault = set_fault
        self.clear_fault = clear_fault
        self.is_allowed = is_allowed
        self.is_saving = is_saving
        self.is_serving = is_serving

    async def give_way(self, until):
        """Before an erase or a handshake: let a card or a transfer be served, at most until those ticks."""
        await asyncio.sleep_ms(0)
        while self.is_serving() and time.ticks_diff(until, time.ticks_ms()) > 0:
            await asyncio.sleep_ms(_LOOK_MS)
