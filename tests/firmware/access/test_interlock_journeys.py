"""Every command of the cloud at every moment of a drive, a traffic light, a ferry, a tow, a stopover (S1-S3).

At each moment the car is copied, told the command, and lived on beside the car that was not told. Nothing
moves the relay to inhibit against the truth; what was refused leaves no trace in what follows; what was done
is not done again.
"""

import copy

import pytest
from box.access import interlock
from box.access.controller import Access
from box.access.evidence import Evidence
from box.protocols import codes
from support_journeys import BLINDNESS, COMMANDS, JOURNEYS, TAP, TICK_MS, Journey, run

AFTER_TICKS = 70_000 // TICK_MS  # longer than anything that a command might wait for


def iterate_moments(name, blind, stride, first=0):
    """Yield `(the car at this moment, what lies ahead)` of a journey, each `stride`-th tick."""
    journey = Journey(name, blind)
    plan = list(journey.plan())
    for number, step in enumerate(plan):
        journey.live(*step)
        if number % stride == first:
            yield journey, plan[number + 1 : number + 1 + AFTER_TICKS]


def live_on(journey, ahead):
    """Live a copy on without a command; return what relay and doors did, and the states."""
    states = []
    for step in ahead:
        journey.live(*step)
        states.append(journey.state)
    return journey.trail, states


def sweep_commands(name, blind, stride, first=0):
    """Return how many (moment, command) were tried; raises AssertionError at the first wrong act."""
    points = 0
    for journey, ahead in iterate_moments(name, blind, stride, first):
        untold = live_on(copy.deepcopy(journey), ahead)
        for kind, argument in COMMANDS:
            for expires_s in (60, 0):
                told = copy.deepcopy(journey)
                result, _ = told.command(kind, argument, expires_s=expires_s)
                points += 1
                where = name, blind, journey.at, kind, argument
                if expires_s == 0:
                    assert result != codes.COMMAND_RESULT_DONE, where
                if result != codes.COMMAND_RESULT_DONE:  # refused is refused: nothing of it is left
                    assert live_on(told, ahead) == untold, where
                    continue
                _check_told_again(told, kind, argument, where)
                live_on(told, ahead)
    return points


def _check_told_again(told, kind, argument, where):
    """The cloud did not hear the result and repeats the command, also after the box was reset."""
    trail, number = list(told.trail), told.parts.session.number
    assert told.command(kind, argument)[0] == codes.COMMAND_RESULT_DONE, where
    again = copy.deepcopy(told)
    again.present_s = again.parts.clock.now_s()
    again.restart()
    again._bind()
    assert again.command(kind, argument)[0] == codes.COMMAND_RESULT_EXPIRED, where
    for journey in (told, again):
        assert (journey.trail, journey.parts.session.number) == (trail, number), where


def test_every_command_at_some_moments_of_every_journey():
    points = sum(sweep_commands(name, (), 97) for name in JOURNEYS)
    assert points > 500


@pytest.mark.sweep
@pytest.mark.parametrize("name", JOURNEYS)
def test_every_command_at_every_fourth_second_of_every_journey(name):
    points = sweep_commands(name, (), 8)
    assert points == len(COMMANDS) * 2 * -(-len(list(Journey(name).plan())) // 8)


@pytest.mark.sweep
@pytest.mark.parametrize("blind", BLINDNESS[1:])
def test_every_command_with_a_sensor_gone(blind):
    points = sum(sweep_commands(name, blind, 89, 11) for name in JOURNEYS)
    assert points > 400


@pytest.mark.parametrize("name", JOURNEYS)
@pytest.mark.parametrize("blind", BLINDNESS)
def test_every_journey_ends_with_inhibit_by_itself_or_says_that_it_is_not(name, blind):
    journey = Journey(name, blind)
    plan = list(journey.plan())
    for step in plan:
        journey.live(*step)
    for _ in range(400_000 // TICK_MS):
        journey.live(plan[-1][0], None)
    is_inhibited = journey.relay.contact == codes.CONTACT_INHIBIT
    assert is_inhibited != journey.parts.faults.is_set(codes.FAULT_PARKED_NOT_INHIBITED) or journey.state in (
        codes.STATE_OPEN,
    )
    if "accelerometer" not in blind and journey.state == codes.STATE_PARKED:
        assert is_inhibited


RESTS = (5, 20, 60)  # ticks


def sweep_rests(name, stride, blind=()):
    """The task that reads the sensors rests for a while at every moment: what it saw last is not evidence."""
    points = 0
    for journey, ahead in iterate_moments(name, blind, stride):
        if len(ahead) < max(RESTS):
            break
        for rest in RESTS:
            for act in (TAP, codes.COMMAND_END_SESSION, codes.COMMAND_LOCK, None):
                told = copy.deepcopy(journey)
                for so, _ in ahead[:rest]:
                    told.live(so, None, looks=False)
                points += 1
                before = len(told.trail)
                if act == TAP:
                    told.live(told.so, TAP, looks=False)
                elif act is not None:
                    told.command(act)
                assert ("relay", "inhibit") not in [event[1:] for event in told.trail[before:]], told.at
                for so, _ in ahead[rest : rest + 30]:
                    told.live(so, None)
    return points


def test_a_task_that_rests_leaves_no_evidence_behind():
    assert sum(sweep_rests(name, 29) for name in JOURNEYS) > 400


@pytest.mark.sweep
def test_a_task_that_rests_at_any_moment_leaves_no_evidence_behind():
    assert sum(sweep_rests(name, 5) for name in JOURNEYS) > 3_000


class QueueingAccess(Access):
    """A box that keeps what it refused, and tries again at each tick."""

    waiting = None

    async def command(self, command_id, kind, expires_at, role, argument):
        result = await super().command(command_id, kind, expires_at, role, argument)
        if result[0] == codes.COMMAND_RESULT_REFUSED:
            self.waiting = (kind, expires_at, argument, command_id)
        return result

    async def tick(self, dt_ms):
        await super().tick(dt_ms)
        if self.waiting is not None:
            await self._evaluate(*self.waiting)


class ForgetfulAccess(Access):
    """A box that does not know which commands it has done."""

    async def command(self, command_id, kind, expires_at, role, argument):
        self._results = []
        self._session.last_command_id = 0
        return await super().command(command_id, kind, expires_at, role, argument)


@pytest.mark.parametrize("broken", [QueueingAccess, ForgetfulAccess])
def test_the_sweep_catches_a_box_that_queues_or_repeats(monkeypatch, broken):
    monkeypatch.setattr("support_access.Access", broken)
    with pytest.raises(AssertionError):
        sweep_commands("drive", (), 23)


def decide_without_motion(wanted, now, after_badge):
    now.motion, now.motion_age_ms, now.contradictory, now.carried = codes.MOTION_STILL, 0, False, False
    return DECIDE(wanted, now, after_badge)


def decide_without_ignition(wanted, now, after_badge):
    now.kl15, now.kl15_off_ms = False, 60_000
    return DECIDE(wanted, now, after_badge)


DECIDE = interlock.decide


BLIND_TO_WHAT = [(decide_without_motion, "tow", ()), (decide_without_ignition, "hurry", ("bus",))]


@pytest.mark.parametrize(("broken", "name", "blind"), BLIND_TO_WHAT)
def test_the_sweep_catches_a_relay_that_does_not_mind_motion_or_ignition(monkeypatch, broken, name, blind):
    monkeypatch.setattr(interlock, "decide", broken)
    with pytest.raises(AssertionError):
        sweep_commands(name, blind, 7)


def test_the_sweep_catches_a_box_that_trusts_what_it_saw_before_it_rested(monkeypatch):
    monkeypatch.setattr(Evidence, "forget", lambda self: None)
    with pytest.raises(AssertionError):
        sweep_rests("drive", 3)


def test_what_waits_is_no_journey():
    async def wait():
        await _Never()

    with pytest.raises(AssertionError):
        run(wait())


class _Never:
    def __await__(self):
        yield
