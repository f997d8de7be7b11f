"""What the MFRC522 does by itself: its agenda, and the timer unit (NXP MFRC522 data sheet rev. 3.9: 8.5)."""

BY_COMMAND, BY_TIMER = 0, 1  # whose event it is: a new command ends what the last one had under way


class Agenda:
    """Events by their instant; equal instants in the order in which they were added."""

    def __init__(self):
        self._events = []

    def add(self, at_us, function, by=BY_COMMAND):
        """Call `function(at_us)` then."""
        at = len(self._events)
        while at and self._events[at - 1][0] > at_us:
            at -= 1
        self._events.insert(at, (at_us, function, by))

    def drop(self, by):
        self._events = [event for event in self._events if event[2] != by]

    def run(self, now_us):
        """Let everything happen that is due."""
        while self._events and self._events[0][0] <= now_us:
            at_us, function, _ = self._events.pop(0)
            function(at_us)


class Timer:
    """Counts down from `reload` once a period; `on_zero(at_us)` is told when it has run out."""

    def __init__(self, agenda, on_zero):
        self._agenda = agenda
        self._on_zero = on_zero
        self._start_us = None
        self._stopped_count = 0
        self._reload = 0
        self._period_ns = 1

    @property
    def is_running(self):
        return self._start_us is not None

    def start(self, now_us, reload, period_ns):
        self.stop(now_us)
        self._start_us = now_us
        self._reload = reload
        self._period_ns = max(1, period_ns)
        self._agenda.add(now_us + (reload + 1) * period_ns // 1000, self._run_out, BY_TIMER)

    def stop(self, now_us):
        if self._start_us is not None:
            self._stopped_count = self.count(now_us)
            self._start_us = None
            self._agenda.drop(BY_TIMER)

    def count(self, now_us):
        """TCounterValReg."""
        if self._start_us is None:
            return self._stopped_count
        return max(0, self._reload - (now_us - self._start_us) * 1000 // self._period_ns)

    def _run_out(self, at_us):
        self._start_us = None
        self._stopped_count = 0
        self._on_zero(at_us)
