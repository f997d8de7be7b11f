"""Every cell of the access table, come to as in life: for each row, in each of its states, the way there."""

import asyncio

from box.access import table
from box.protocols import codes
from support_access import DRIVER, HOME, NEXT, NOW, SERVICE, STRANGER, Box

THIRD = b"driver_C"
RIGHT = 17
COMMANDS = {name: code for code, name in enumerate(table.COMMANDS) if name}


class Cell:
    """What happened: the `row`, its `event` and `state` (a letter), and what the car did and wrote."""

    def __init__(self, row, event, state):
        self.row, self.event, self.state = row, event, state
        self.after = self.refusal = self.signal = None
        self.records = []  # (kind, payload)
        self.moves = []  # unlock, lock, allow, inhibit
        self.told = []  # light and sound


class Way:
    """The way to one cell. A method for each row; what it does last is what the row answers."""

    def __init__(self, row, event, state):
        self.event, self.state = event, state
        self.box = box = Box()
        box.promise()
        self.cell = None
        self._row = row
        carry_out = box.access.effects.carry_out

        async def spy(decision, cause):
            here = table.LETTERS[box.state]
            before = len(box.journal.entries), len(box.events)
            await carry_out(decision, cause)
            if decision.row == row and here == state:
                self._note(Cell(row, event, state), decision, *before)

        box.access.effects.carry_out = spy

    def _note(self, cell, decision, entries, events):
        box = self.box
        cell.after = table.LETTERS[decision.state]
        cell.refusal = decision.refusal
        cell.told = [name for kind, name in box.events[events:] if kind == "signal"]
        cell.moves = [name for kind, name in box.events[events:] if kind in ("doors", "relay")]
        self._entries = entries
        cell.records = self._records_since(entries)
        self.cell = cell

    def _records_since(self, entries):
        kinds = [kind for kind, _ in self.box.journal.entries]
        return list(zip(kinds[entries:], self.box.journal.payloads[entries:], strict=True))

    def go(self):
        """Go there; return the Cell, or None if the way leads elsewhere."""
        getattr(self, self._row)()
        if self.cell and self.event in COMMANDS:  # the command's own record comes last
            self.cell.records = self._records_since(self._entries)
        return self.cell

    # --- the states
    def reach(self):
        """Come to the state of the cell, at rest and settled."""
        box = self.box
        box.wait(1)
        if self.state == "A":
            box.link = box.is_asking_long = True
            box.tap(STRANGER)
        elif self.state != "P":
            box.at_home = self.state != "S"
            box.tap(DRIVER)
            box.wait(15)
            if self.state == "D":
                box.drive(3)
            elif self.state in "SE":
                box.tap(DRIVER)
                box.wait(12)
        assert table.LETTERS[box.state] == self.state

    def send(self, argument=0):
        """Send the command that is the cell's event."""
        self.box.command(COMMANDS[self.event], argument)

    def card(self, badge, *right, **facts):
        """A card whose right is `right` comes, or is answered by the cloud; `facts` of the car hold."""
        box = self.box
        if self.event == "answer":
            box.link = True
            box.verdict = lambda: box.promise(badge, *right) or 0
            box.authorisations.entries.clear()
        else:
            self.reach()
            box.promise(badge, *right)
        for name, value in facts.items():
            setattr(box.journal if name == "vital_full" else box, name, value)
        box.tap(badge)

    def lose_ignition(self):
        """The input of the ignition is read by nobody any more."""
        self.box.parts.evidence.kl15 = None

    # --- badges
    def left_on(self):
        self.reach()
        self.box.shaking = False
        self.box.wait(15)
        self.box.tap(DRIVER)

    def left_on_other(self):
        self.reach()
        self.box.shaking = False
        self.box.wait(15)
        self.box.tap(STRANGER)

    def ignored(self):
        self.reach()
        self.box.tap(STRANGER)

    def several(self):
        self.reach()
        self.box.promise(NEXT, 18)
        self.box.promise(THIRD, 19)
        self.box.tap(NEXT, THIRD)

    def again(self):
        self.box.at_home = self.state != "S"
        self.box.wait(15)
        self.box.tap(DRIVER)
        if self.state != "O":
            self.box.wait(5)
            self.box.tap(DRIVER)
        self.box.wait(2)
        self.box.tap(DRIVER)

    again_open = again_stopover = again_ending = again

    def service_starts(self):
        self.card(SERVICE, 0x8000_0001, -60, 10**6, 3)

    def ended(self):
        self.box.tap(DRIVER)
        self.box.wait(5)
        self.box.tap(DRIVER)
        self.box.wait(125)

    def bag(self):
        self.ended()
        self.reach()
        self.box.tap(DRIVER)

    def bag_again(self):
        self.ended()
        self.box.authorisations.entries.clear()
        self.box.tap(DRIVER)
        self.box.wait(4)
        self.reach()
        self.box.tap(DRIVER)

    def full(self):
        self.card(NEXT, 18, vital_full=True)

    def starts_low(self):
        self.card(NEXT, 18, battery_low=True)

    def starts(self):
        self.card(NEXT, 18)

    def asks_still(self):
        self.reach()
        self.box.tap(STRANGER)

    def asks(self):
        self.reach()
        self.box.link = self.box.is_asking_long = True
        self.box.tap(b"stranger"[::-1])

    def refused(self):
        if self.event == "answer":
            self.box.link = True
            self.box.verdict = codes.REFUSAL_ANOTHER_CAR
        else:
            self.reach()
            self.box.link = False
        self.box.tap(b"stranger"[::-1])

    def reopened(self):
        self.reach()
        self.box.command(COMMANDS["lock"])
        self.box.tap(DRIVER)

    def door_open(self):
        self.reach()
        self.box.inputs.door_open = True
        self.box.tap(DRIVER)

    def key_missing(self):
        self.reach()
        self.box.inputs.key_in_holder = False
        self.box.tap(DRIVER)

    def stops_over(self):
        self.reach()
        self.box.at_home = False
        self.box.wait(1)
        self.box.tap(DRIVER)

    def by_session_badge(self):
        self.reach()
        self.box.tap(DRIVER)

    ends = resumes = taken_back = by_session_badge

    def service(self):
        self.card(SERVICE, 0x8000_0001, -60, 10**6, 3)

    def service_leaves(self):
        self.service()
        self.box.wait(5)
        self.box.tap(SERVICE)

    def by_next(self):
        self.card(NEXT, 18)

    follows = over_ignition = by_next

    def ending_full(self):
        self.card(NEXT, 18, vital_full=True)

    def takeover(self, **facts):
        self.reach()
        self.box.wait(125)
        self.box.promise(NEXT, 18)
        for name, value in facts.items():
            setattr(self.box.journal if name == "vital_full" else self.box.inputs, name, value)
        self.box.tap(NEXT)

    def over_full(self):
        self.takeover(vital_full=True)

    def over_door(self):
        self.takeover(door_open=True)

    def over_key(self):
        self.takeover(key_in_holder=False)

    over = takeover

    def held(self):
        self.reach()
        self.box.authorisations.entries.clear()
        self.box.promise(NEXT, 18, 600, 4000)
        self.box.tap(NEXT)

    def stranger(self):
        self.reach()
        self.box.tap(STRANGER)

    # --- time passes
    def drives(self):
        self.reach()
        self.box.drive(1)

    def driven_away(self):
        self.reach()
        self.box.relay.contact = codes.CONTACT_ALLOW
        self.box.drive(1)

    drives_on = driven_off = driven_away

    def stops(self):
        self.reach()
        self.box.stop(5)

    def over_time(self):
        self.reach()
        self.box.wait(125)

    def forgotten(self):
        self.box.parts.settings.apply({"forgotten_s": 300, "places": [HOME]})
        self.box.authorisations.entries[0] = (DRIVER, RIGHT, NOW - 60, NOW + 60, 1, 0, 0)
        self.reach()
        self.box.wait(362)

    def unused(self):
        self.box.command(COMMANDS["open_for"], RIGHT)
        self.box.wait(62)

    def unanswered(self):
        self.reach()
        self.box.wait(11)

    def relock(self):
        if self.state == "P":
            self.ended()
        else:
            self.reach()
        self.box.inputs.door_open = True
        self.box.wait(1)
        self.box.inputs.door_open = False
        self.box.wait(62)

    def alarm_ignition(self):
        self.reach()
        self.box.kl15 = True
        self.box.wait(1)

    def alarm_motion(self):
        self.reach()
        self.box.parts.evidence.note_speed(5)
        self.box.wait(0.2)

    def carried(self):
        self.box.parts.settings.apply({"ending_s": 600, "places": [HOME]})
        if self.state == "A":  # a question is over before a car is taken for carried
            self.box.shaking = True
            self.box.wait(27)
        self.reach()
        self.box.shaking = True
        self.box.wait(8 if self.state == "A" else 40)

    def put_down(self):
        was, self.state = self.state, {"D": "O", "A": "P"}.get(self.state, self.state)
        self.carried()
        self.state = was
        if was == "A":
            self.reach()
        if was in "AD":
            self.box.drive(1)
        else:
            self.box.stop(75)

    def in_garage(self):
        self.box.command(COMMANDS["garage"], 2)

    def garage_over(self):
        self.in_garage()
        self.box.parts.clock.set_from_cloud(NOW + 3 * 86_400)
        self.box.wait(1)

    def garage_by_badge(self):
        self.box.promise(SERVICE, 0x8000_0001, -60, 10**6, 3)
        self.box.tap(SERVICE)
        self.box.wait(5)
        asyncio.run(self.box.access.hold(SERVICE))

    # --- commands
    def plainly(self):
        self.reach()
        self.send(RIGHT)

    open_driving = open_starts = open_again = open_resumes = open_takes_back = plainly
    lock_driving = lock = end_driving = end_nothing = end_ignition = flash = refresh = track = plainly
    garage_in_use = garage = plainly

    def open_full(self):
        self.reach()
        self.box.journal.vital_full = True
        self.send(RIGHT)

    def open_other(self):
        self.reach()
        self.send(RIGHT + 1)

    def ignition_unknown(self):
        self.reach()
        self.lose_ignition()
        self.send()

    lock_ignition = test_driving = ignition_unknown

    def with_a_door_open(self):
        self.reach()
        if self.event == "end_session":
            self.box.wait(65)
        self.box.inputs.door_open = True
        self.send()

    lock_door = end_door = with_a_door_open

    def end_unproven(self):
        self.reach()
        self.box.wait(65)
        self.box.shaking = True
        self.box.wait(1)
        self.send()

    def end(self):
        self.reach()
        self.box.wait(65)
        self.send()

    def test(self):
        self.reach()
        if self.state == "D":
            self.box.kl15 = False
            self.box.wait(0.5)
        self.send()

    def garage_ends(self):
        self.in_garage()
        self.send()
