"""Short lives of one car: what people and power do to it in any order, and who may never be stranded (S8).

`find_violation(start, steps)` plays them on the real controller and returns the first promise that is broken.
"""

import asyncio

from box.protocols import codes
from support_access import DRIVER, NEXT, NOW, SERVICE, STRANGER, Box

LOCKING_BADGES = (DRIVER, SERVICE)
TICK_MS = 500  # coarser than on the board: every deadline is still passed within a tick
STARTS = ("parked", "open", "driving", "stopover", "ending", "ended", "garage", "remote")
SETTLED_MS = 3_000
RIGHT, NEXT_RIGHT, SERVICE_RIGHT = 17, 18, 0x8000_0001


LOCKED_STATES = (codes.STATE_STOPOVER, codes.STATE_ENDING)


class Broken(Exception):
    """A promise that was not kept."""


class Life(Box):
    """A car whose lock follows the pulses, with a record of who was answered."""

    def __init__(self, access_class=None):
        self.access_class = access_class
        self.is_locked = True
        self.pressed = None  # who may lock now: a badge or a command
        self.has_time = True
        self.left_behind = []
        self.quiet_since_ms = 0
        super().__init__()
        self.promise()
        self.promise(NEXT, NEXT_RIGHT)
        self.promise(SERVICE, SERVICE_RIGHT, -60, 10**6, kind=3)
        self.wait(11)

    def restart(self):
        super().restart()
        self.quiet_since_ms = self.ticks
        if self.access_class:
            self.access = self.access_class(self.parts, self.access._hooks)
        if not self.has_time:
            self.parts.clock.trust = 0

    def wait(self, seconds):
        async def run():
            for _ in range(max(int(seconds * 1000 / TICK_MS), 1)):
                before = len(self.events)
                await self._pass(TICK_MS)
                self.check(before)

        asyncio.run(run())
        self.present_s = self.parts.clock.now_s()

    def check(self, before):
        """Follow the doors' wires since event number `before` and judge who moved them."""
        for kind, name in self.events[before:]:
            if kind != "doors":
                continue
            self.is_locked = name == "lock"
            if name == "lock" and self.inputs.door_open and self.pressed not in LOCKING_BADGES:
                raise Broken("locked over an open door")
            if name == "lock" and self.pressed is None and self.parts.session.garage:
                raise Broken("locked by itself in garage mode")

    def present(self, *badges):
        """Hold cards to the reader; each hand gets an answer."""
        self.pressed = badges[0]
        state, before = self.state, len(self.events)
        new = [(badge, False) for badge in badges]
        lie = [(badge, False) for badge in self.left_behind if badge not in badges]
        asyncio.run(self.access.tap(new, lie + new))
        if "signal" not in [kind for kind, _ in self.events[before:]]:
            raise Broken(f"no answer to {badges} while {state}")
        self.check(before)
        self.pressed = None
        is_settled = self.ticks - self.quiet_since_ms >= SETTLED_MS
        if self.is_his() and DRIVER in badges and state in LOCKED_STATES and is_settled and self.is_locked:
            raise Broken(f"{DRIVER} cannot get in while {state}")
        self.quiet_since_ms = self.ticks

    def send(self, command, argument=0):
        if not self.has_time:
            return
        self.pressed = "command"
        before = len(self.events)
        self.command(command, argument)
        self.check(before)
        self.pressed = None

    # --- steps
    def step_driver(self):
        self.present(DRIVER)

    def step_next(self):
        self.present(NEXT)

    def step_service(self):
        self.present(SERVICE)

    def step_stranger(self):
        self.present(STRANGER)

    def step_wallet(self):
        self.present(DRIVER, NEXT)

    def step_door(self):
        self.inputs.door_open = not self.inputs.door_open

    def step_key(self):
        self.inputs.key_in_holder = not self.inputs.key_in_holder

    def step_ignition(self):
        self.kl15 = not self.kl15
        self.shaking = self.kl15
        self.wait(3)

    def step_standing(self):
        self.shaking = False
        self.wait(15)

    def step_elsewhere(self):
        self.at_home = not self.at_home

    def step_second(self):
        self.wait(1)

    def step_moment(self):
        self.wait(4)

    def step_while(self):
        self.wait(130)

    def step_reset(self):
        self.restart()
        self.wait(1)

    def step_clock(self):
        self.has_time = not self.has_time
        if self.has_time:
            self.parts.clock.set_from_cloud(NOW + 600)
        else:
            self.parts.clock.trust = 0

    def step_revoked(self):
        self.authorisations.entries[:] = [e for e in self.authorisations.entries if e[1] != RIGHT]
        self.authorisations.version += 1

    def step_leave(self):
        """The driver's badge is left behind the windscreen."""
        self.left_behind = [DRIVER]

    def step_lock(self):
        self.send(2)

    # --- where lives begin
    def begin(self, start):
        if start == "parked":
            return
        if start == "garage":
            self.present(SERVICE)
            self.wait(5)
            self.pressed = SERVICE
            asyncio.run(self.access.hold(SERVICE))
            self.pressed = None
            return
        self.at_home = start != "stopover"
        if start == "remote":
            self.send(1, RIGHT)
            self.inputs.door_open = True
            self.wait(2)
            self.inputs.door_open = False
        else:
            self.present(DRIVER)
        self.wait(15)
        if start in ("driving", "remote"):
            self.step_ignition()
        if start == "remote":
            self.step_ignition()
        if start in ("stopover", "ending", "ended"):
            self.present(DRIVER)
            self.wait(130 if start == "ended" else 4)

    # --- what must hold at the end
    def judge(self, start):
        """Whoever the car belongs to now gets in with his badge, and can start where he has the car."""
        session = self.parts.session
        if start == "remote" and self.has_ended_by_itself():
            raise Broken("a car in use was ended from afar by itself")
        self.inputs.door_open = False
        self.wait(4)
        if self.is_his() and session.state == codes.STATE_DRIVING:
            self.shaking = False
            self.wait(12)
            if session.state == codes.STATE_DRIVING:
                self.reach(DRIVER, 1)
                return
        if self.is_his():
            self.reach(DRIVER, 1)
            if session.state == codes.STATE_OPEN and self.relay.contact != codes.CONTACT_ALLOW:
                raise Broken("in his car and cannot start")
        elif self.has_bag():
            self.reach(DRIVER, 2)
        elif session.state == codes.STATE_PARKED and self.has_time and not self.kl15:
            self.reach(NEXT, 2)

    def is_his(self):
        """Return whether the session is the driver's."""
        session = self.parts.session
        return session.is_running and DRIVER in (session.badge, self.badge_of(session.authorisation_id))

    def badge_of(self, right):
        return next((entry[0] for entry in self.authorisations.entries if entry[1] == right), None)

    def has_bag(self):
        session = self.parts.session
        return session.state == codes.STATE_PARKED and session.last_badge == DRIVER and self.has_time

    def has_ended_by_itself(self):
        ends = [values for kind, values in self.journal.entries if kind == codes.RECORD_SESSION_END]
        return any(values[2] == codes.END_REASON_COMMAND for values in ends)

    def reach(self, badge, taps):
        """Get in by at most so many taps of a badge."""
        for _ in range(taps):
            if not self.is_locked:
                return
            self.present(badge)
            self.wait(4)
        if self.is_locked:
            raise Broken(f"{badge} cannot get in while {self.state}")


STEPS = tuple(name[len("step_") :] for name in vars(Life) if name.startswith("step_"))


def find_violation(start, steps, access_class=None):
    """Return the promise that the life of `steps` from `start` breaks, or None."""
    life = Life(access_class)
    try:
        life.begin(start)
        for step in steps:
            getattr(life, "step_" + step)()
        life.judge(start)
    except Broken as broken:
        return str(broken)
    return None
