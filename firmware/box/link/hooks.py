"""What the app lends the link, so that the link knows nothing of the app."""


class Hooks:
    """What the app lends the link; all plain callables but `on_command`, which is async.

    `get_state()` STATE, 22 bytes. `active_faults()` bytes. `list_counters()` pairs, the link's own too.
    `get_settings_version()`. `on_settings(dict)` makes them durable. `on_time(now_s)`.
    `on_authorisations()`: the set has changed. `on_command(command_id, kind, expires_at, role, argument)`
    returns `(result, reason)`. `set_fault(code, detail)`, `clear_fault(code)`. `is_allowed()`: the battery
    bears a link; `is_saving()`: it bears a dozing one.
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
