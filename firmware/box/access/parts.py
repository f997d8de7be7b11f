"""What the access controller works with: objects of the layers below, callables of the one above."""


class Parts:
    """One car's: `clock` Clock, `settings` Settings, `session` Session, `evidence` Evidence, `interlock`
    Interlock, `whereabouts` Whereabouts, `inputs` and `doors` of the drivers, `journal` (`vital_full`,
    `vital.last_sequence`), `writer` RecordWriter, `faults` Faults, `authorisations` (`find(badge)`,
    `reservations_between(a, b)`), `car` CarBus.
    """

    def __init__(
        self,
        clock,
        settings,
        session,
        evidence,
        interlock,
        whereabouts,
        inputs,
        doors,
        journal,
        writer,
        faults,
        authorisations,
        car,
    ):
        self.clock = clock
        self.settings = settings
        self.session = session
        self.evidence = evidence
        self.interlock = interlock
        self.whereabouts = whereabouts
        self.inputs = inputs
        self.doors = doors
        self.journal = journal
        self.writer = writer
        self.faults = faults
        self.authorisations = authorisations
        self.car = car


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
