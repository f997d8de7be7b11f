"""What the access controller works with: objects of the layers below, callables of the one above."""


class Parts:
    """What the controller works with; filled by `app`, see the attributes."""

    def __init__(self):
        self.clock = None  # box.clock.Clock
        self.settings = None  # box.config.Settings
        self.session = None  # access.session.Session
        self.evidence = None  # access.evidence.Evidence
        self.interlock = None  # access.interlock.Interlock
        self.whereabouts = None  # access.places.Whereabouts
        self.inputs = None  # drivers.inputs.Inputs
        self.doors = None  # drivers.doors.Doors
        self.journal = None  # vital_full, last_vital_sequence
        self.writer = None  # access.writer.RecordWriter
        self.faults = None  # box.faults.Faults
        self.authorisations = None  # find(badge), reservations_between(a, b)
        self.car = None  # drivers.car_bus.CarBus, or None


class Hooks:
    """What `app` lends: plain callables."""

    def __init__(self, save, play, battery_mv, is_battery_low, link_may_answer, ask, self_test, refresh):
        self.save = save
        self.play = play
        self.battery_mv = battery_mv
        self.is_battery_low = is_battery_low
        self.link_may_answer = link_may_answer
        self.ask = ask  # async (badge, timeout_ms) -> refusal, 0 or None
        self.self_test = self_test  # async
        self.refresh = refresh
