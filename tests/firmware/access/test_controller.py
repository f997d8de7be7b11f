"""The controller on a car of plain objects: what is written, saved, shown and moved, in which order."""

import asyncio

import pytest
from box.access.controller import Access
from box.access.evidence import Evidence
from box.access.interlock import Interlock
from box.access.parts import Hooks, Parts
from box.access.places import Whereabouts
from box.access.report import pack_state
from box.access.session import Session
from box.access.writer import RecordWriter
from box.clock import Clock
from box.config import Settings
from box.faults import Faults
from box.protocols import codes, records

NOW = 1_100_000_000
DRIVER, NEXT, SERVICE, STRANGER = b"driver_A", b"driver_B", b"service1", b"stranger"
HOME = (4, 472_735_000, -22_137_000, 100)


class Journal:
    """Keeps records as (name, values)."""

    def __init__(self, events):
        self.events = events
        self.entries = []
        self.vital_full = False
        self.broken = False

    def write(self, kind, payload):
        if self.broken:
            raise OSError(5)
        self.entries.append((kind, records.unpack(kind, payload + bytes(36 - len(payload)))))
        self.events.append(("record", kind))
        return len(self.entries)

    @property
    def vital(self):
        return self

    @property
    def last_sequence(self):
        return len(self.entries)


class Relay:
    def __init__(self, events):
        self.events = events
        self.contact = codes.CONTACT_INHIBIT

    async def pulse_allow(self):
        self.events.append(("relay", "allow"))
        self.contact = codes.CONTACT_ALLOW

    async def pulse_inhibit(self):
        self.events.append(("relay", "inhibit"))
        self.contact = codes.CONTACT_INHIBIT

    def read_contact(self):
        return self.contact


class Doors:
    def __init__(self, events):
        self.events = events

    async def unlock(self):
        self.events.append(("doors", "unlock"))

    async def lock(self):
        self.events.append(("doors", "lock"))


class Inputs:
    door_open = False
    key_in_holder = True


class Authorisations:
    def __init__(self):
        self.entries = []

    def find(self, badge):
        return [entry for entry in self.entries if entry[0] == badge]

    def reservations_between(self, start_s, end_s):
        return [e for e in self.entries if e[4] == 1 and e[2] < end_s and start_s < e[3]]


class Box:
    """One car; `restart` is a power loss: flash, relay and car stay, everything else is built anew."""

    def __init__(self):
        self.ticks = 0
        self.events = []
        self.saved = None
        self.journal = Journal(self.events)
        self.relay = Relay(self.events)
        self.inputs = Inputs()
        self.authorisations = Authorisations()
        self.kl15 = False
        self.shaking = False
        self.battery_mv = 12_600
        self.battery_low = False
        self.link = False
        self.verdict = None
        self.at_home = True
        self.present_s = NOW
        self.restart()

    def restart(self):
        clock = Clock(lambda: self.ticks)
        clock.set_from_cloud(self.present_s)
        settings = Settings({"places": [HOME]})
        session = Session()
        session.restore(self.saved)
        evidence = Evidence()
        faults = Faults(lambda: self.ticks)
        writer = RecordWriter(self.journal, faults)
        faults.attach(writer.write)
        self.parts = Parts(
            clock=clock,
            settings=settings,
            session=session,
            evidence=evidence,
            interlock=Interlock(
                self.relay, evidence, settings, faults, writer.write, lambda: self.battery_mv
            ),
            whereabouts=Whereabouts(settings),
            inputs=self.inputs,
            doors=Doors(self.events),
            journal=self.journal,
            writer=writer,
            faults=faults,
            authorisations=self.authorisations,
            car=None,
        )
        hooks = Hooks(
            save=self._save,
            play=lambda signal: self.events.append(("signal", signal)),
            battery_mv=lambda: self.battery_mv,
            is_battery_low=lambda: self.battery_low,
            link_may_answer=lambda: self.link,
            ask=self._ask,
            self_test=self._self_test,
            refresh=lambda: self.events.append(("refresh", None)),
        )
        self.access = Access(self.parts, hooks)

    def _save(self, data):
        self.saved = data
        self.events.append(("saved", None))

    async def _ask(self, badge, timeout_ms):
        assert timeout_ms == 8000
        if callable(self.verdict):
            return self.verdict()
        return self.verdict

    async def _self_test(self):
        self.events.append(("self_test", None))

    async def _pass(self, ms):
        parts = self.parts
        parts.evidence.advance(ms)
        parts.whereabouts.advance(ms)
        parts.evidence.note_ignition(self.kl15)
        parts.evidence.note_accelerometer(500 * (self.ticks // 100 % 2) if self.shaking else 0, 0, 1000)
        if self.at_home is not None:
            parts.whereabouts.note_fix(HOME[1] + (0 if self.at_home else 500_000), HOME[2])
        self.ticks += ms
        await self.access.tick(ms)

    def wait(self, seconds):
        async def run():
            for _ in range(int(seconds * 10)):
                await self._pass(100)

        asyncio.run(run())
        self.present_s = self.parts.clock.now_s()

    def tap(self, *badges, is_random=False):
        """Hold cards to the reader; return the signals that follow."""
        before = len(self.events)

        async def run():
            cards = [(badge, is_random) for badge in badges]
            await self.access.tap(cards, cards)
            for _ in range(3):
                await asyncio.sleep(0)

        asyncio.run(run())
        return [name for kind, name in self.events[before:] if kind == "signal"]

    def command(self, kind, argument=0, command_id=None, expires_s=60):
        self.commands = getattr(self, "commands", 0) + 1
        return asyncio.run(
            self.access.command(
                command_id or self.commands, kind, self.parts.clock.now_s() + expires_s, 1, argument
            )
        )

    def promise(self, badge=DRIVER, number=17, starts=-60, ends=7200, kind=1, place=0):
        self.authorisations.entries.append((badge, number, NOW + starts, NOW + ends, kind, 0, place))

    @property
    def state(self):
        return self.parts.session.state

    def drive(self, seconds=5):
        self.kl15 = True
        self.shaking = True
        self.wait(seconds)

    def stop(self, seconds=70):
        self.kl15 = False
        self.shaking = False
        self.wait(seconds)

    def records(self, *kinds):
        return [kind for kind, _ in self.journal.entries if not kinds or kind in kinds]


@pytest.fixture
def box():
    box = Box()
    box.promise()
    return box


def test_a_start_is_recorded_and_saved_before_it_is_shown_and_shown_before_anything_moves(box):
    box.wait(1)
    box.events.clear()
    assert box.tap(DRIVER) == ["welcome"]
    kinds = [event for event in box.events if event[0] != "record" or event[1] == codes.RECORD_SESSION_START]
    assert kinds == [
        ("record", codes.RECORD_SESSION_START),
        ("saved", None),
        ("signal", "welcome"),
        ("doors", "unlock"),
        ("relay", "allow"),
    ]


def test_the_story_of_a_day(box):
    box.promise(NEXT, 18, 7200, 9000)
    assert box.tap(STRANGER) == ["unknown_badge"]
    assert box.tap(NEXT) == ["too_early"]
    assert box.tap(DRIVER) == ["welcome"]
    box.drive()
    assert box.state == codes.STATE_DRIVING
    assert box.tap(STRANGER) == ["ignored"]
    box.at_home = False
    box.stop()
    assert box.state == codes.STATE_OPEN
    assert box.tap(DRIVER) == ["stopover"]
    box.wait(20)
    assert box.relay.contact == codes.CONTACT_INHIBIT
    assert box.tap(DRIVER) == ["welcome"]
    assert box.relay.contact == codes.CONTACT_ALLOW
    box.drive()
    box.at_home = True
    box.stop()
    assert box.tap(DRIVER) == ["ended"]
    assert box.state == codes.STATE_ENDING
    assert box.relay.contact == codes.CONTACT_INHIBIT
    box.wait(3.1)
    assert box.tap(DRIVER) == ["taken_back"]
    box.wait(3.1)
    assert box.tap(DRIVER) == ["ended"]
    box.wait(121)
    assert box.state == codes.STATE_PARKED
    expected = [2, 16, 17, 4, 5, 16, 17, 6, 7, 6, 3]
    assert box.records(2, 3, 4, 5, 6, 7, 16, 17) == expected
    end = box.journal.entries[-1][1]
    start = box.records().index(codes.RECORD_SESSION_START) + 1
    assert end[:5] == (start, 17, codes.END_REASON_BADGE, 0, 4)


def test_a_second_tap_within_three_seconds_of_an_effect_does_nothing(box):
    box.tap(DRIVER)
    box.wait(2.9)
    assert box.tap(DRIVER) == []
    assert box.state == codes.STATE_OPEN
    box.wait(0.2)
    assert box.tap(DRIVER) == ["ended"]


@pytest.mark.parametrize("state", ["open", "driving", "stopover", "ending"])
def test_a_power_loss_leaves_session_and_relay_as_they_were(box, state):
    box.tap(DRIVER)
    if state == "driving":
        box.drive(5)
    elif state != "open":
        box.at_home = state == "ending"
        box.wait(15)
        box.tap(DRIVER)
        box.wait(10)
    before = (box.state, box.parts.session.number, box.relay.contact)
    box.events.clear()
    box.restart()
    box.wait(3)
    assert (box.state, box.parts.session.number, box.relay.contact) == before
    assert not [event for event in box.events if event[0] in ("relay", "doors")]
    if state in ("stopover", "ending"):
        assert box.tap(DRIVER) in (["welcome"], ["taken_back"])
        assert box.relay.contact == codes.CONTACT_ALLOW


def test_three_taps_within_a_minute_end_with_a_door_open_and_say_so_in_the_flags(box):
    box.tap(DRIVER)
    box.wait(5)
    box.inputs.door_open = True
    assert box.tap(DRIVER) == ["door_open"]
    box.wait(2)
    assert box.tap(DRIVER) == ["door_open"]
    box.wait(2)
    assert box.tap(DRIVER) == ["ended"]
    assert box.parts.session.flags == 1 << codes.END_FLAG_BIT_DOOR_OPEN


def test_three_taps_spread_over_more_than_a_minute_do_not(box):
    box.tap(DRIVER)
    box.inputs.key_in_holder = False
    for _ in range(4):
        box.wait(31)
        assert box.tap(DRIVER) == ["key_missing"]


def test_an_end_in_a_garage_without_satellites_is_flagged_as_unconfirmed(box):
    box.at_home = None
    box.tap(DRIVER)
    box.wait(5)
    assert box.tap(DRIVER) == ["ended"]
    assert box.parts.session.flags == 1 << codes.END_FLAG_BIT_PLACE_UNCONFIRMED


def test_a_badge_the_box_does_not_know_is_asked_for_and_opens_when_the_reservation_comes(box):
    box.link = True
    box.verdict = lambda: box.promise(NEXT, 19, -60, 3600) or 0
    box.authorisations.entries.clear()
    assert box.tap(NEXT) == ["asking", "welcome"]
    assert box.state == codes.STATE_OPEN


@pytest.mark.parametrize(
    ("verdict", "signal"),
    [
        (codes.REFUSAL_ANOTHER_CAR, "another_car"),
        (codes.REFUSAL_REVOKED, "revoked"),
        (None, "unknown_badge"),
        (0, "unknown_badge"),
    ],
)
def test_the_clouds_verdict_is_what_the_driver_hears(box, verdict, signal):
    box.link = True
    box.verdict = verdict
    assert box.tap(STRANGER) == ["asking", signal]
    assert box.state == codes.STATE_PARKED


def test_an_answer_that_comes_after_another_has_taken_the_car_is_dropped(box):
    async def run():
        gate = asyncio.Event()

        async def ask(badge, timeout_ms):
            await gate.wait()
            return codes.REFUSAL_REVOKED

        box.access._hooks.ask = ask
        await box.access.tap([(STRANGER, False)], [(STRANGER, False)])
        await box.access.tap([(DRIVER, False)], [(DRIVER, False)])
        gate.set()
        for _ in range(5):
            await asyncio.sleep(0)

    box.link = True
    asyncio.run(run())
    assert box.state == codes.STATE_OPEN
    assert ("signal", "revoked") not in box.events


def test_of_several_cards_the_box_acts_only_on_exactly_one_authorised(box):
    assert box.tap(STRANGER, DRIVER) == ["welcome"]
    box.wait(4)
    box.promise(NEXT, 18)
    assert box.tap(DRIVER, NEXT) == ["several_badges"]
    assert box.state == codes.STATE_OPEN


def test_the_phone_beside_the_badge_does_no_harm_and_alone_is_refused_without_asking(box):
    box.link = True
    assert box.tap(b"phone..1", is_random=True) == ["random_uid"]

    async def both():
        cards = [(b"phone..1", True), (DRIVER, False)]
        await box.access.tap(cards, cards)

    asyncio.run(both())
    assert box.state == codes.STATE_OPEN


def test_a_session_card_left_on_the_dashboard_does_not_end_the_session_when_another_card_comes(box):
    box.tap(DRIVER)
    box.wait(5)

    async def run():
        await box.access.tap([(STRANGER, False)], [(DRIVER, False), (STRANGER, False)])

    asyncio.run(run())
    assert box.state == codes.STATE_OPEN


def test_a_service_badge_opens_a_drivers_car_and_never_ends_the_session(box):
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)
    box.tap(DRIVER)
    number = box.parts.session.number
    box.wait(5)
    assert box.tap(SERVICE) == ["service"]
    box.at_home = False
    box.wait(20)
    box.tap(DRIVER)
    assert box.state == codes.STATE_STOPOVER
    assert box.tap(SERVICE) == ["service"]
    box.wait(30)
    assert box.relay.contact == codes.CONTACT_ALLOW
    assert box.tap(SERVICE) == ["stopover"]
    box.wait(30)
    assert box.relay.contact == codes.CONTACT_INHIBIT
    assert box.parts.session.number == number


def test_a_takeover_waits_for_two_minutes_of_ignition_off_and_closes_the_books_of_the_first(box):
    box.authorisations.entries.clear()
    box.promise(DRIVER, 17, -3600, -60)
    box.authorisations.entries[0] = (DRIVER, 17, NOW - 3600, NOW + 30, 1, 0, 0)
    box.tap(DRIVER)
    box.drive(40)
    box.promise(NEXT, 18, 30, 3600)
    box.stop(60)
    assert box.tap(NEXT) == ["ignition_on"]
    box.wait(65)
    assert box.tap(NEXT) == ["welcome"]
    assert box.parts.session.authorisation_id == 18
    ends = [values for kind, values in box.journal.entries if kind == codes.RECORD_SESSION_END]
    assert [values[2] for values in ends] == [codes.END_REASON_TAKEN_OVER]
    starts = [values for kind, values in box.journal.entries if kind == codes.RECORD_SESSION_START]
    assert [values[3] for values in starts] == [codes.VIA_BADGE, codes.VIA_TAKEOVER]


def test_the_sessions_badge_works_past_its_end_and_after_its_authorisation_is_gone(box):
    box.at_home = False
    box.tap(DRIVER)
    box.wait(20)
    box.tap(DRIVER)
    box.authorisations.entries.clear()
    box.battery_low = True
    box.journal.vital_full = True
    box.wait(4 * 3600 // 60)
    box.parts.clock.set_from_cloud(NOW + 10**7)
    assert box.tap(DRIVER) == ["welcome"]
    assert ("doors", "unlock") in box.events[-4:]


def test_the_forgotten_bag_opens_for_a_quarter_of_an_hour_and_is_locked_again(box):
    box.tap(DRIVER)
    box.wait(5)
    box.tap(DRIVER)
    box.wait(121)
    assert box.state == codes.STATE_PARKED
    assert box.tap(DRIVER) == ["bag"]
    assert box.relay.contact == codes.CONTACT_INHIBIT
    assert box.state == codes.STATE_PARKED
    box.events.clear()
    box.wait(59)
    assert ("doors", "lock") not in box.events
    box.inputs.door_open = True
    box.wait(30)
    box.inputs.door_open = False
    box.wait(59)
    assert ("doors", "lock") not in box.events
    box.wait(2)
    assert ("doors", "lock") in box.events
    box.authorisations.entries.clear()
    box.wait(600)
    assert box.tap(DRIVER) == ["bag"]
    box.wait(200)
    assert box.tap(DRIVER) == ["unknown_badge"]


def test_the_last_driver_who_taps_twice_drives_again(box):
    box.tap(DRIVER)
    box.wait(5)
    box.tap(DRIVER)
    box.wait(121)
    assert box.tap(DRIVER) == ["bag"]
    box.wait(2)
    assert box.tap(DRIVER) == ["welcome"]


def test_a_forgotten_session_ends_by_itself_an_hour_after_its_time(box):
    box.authorisations.entries[0] = (DRIVER, 17, NOW - 60, NOW + 60, 1, 0, 0)
    box.parts.settings.apply({"forgotten_s": 300, "places": [HOME]})
    box.tap(DRIVER)
    box.wait(359)
    assert box.state == codes.STATE_OPEN
    box.wait(2)
    assert box.state == codes.STATE_PARKED
    assert box.journal.entries[-2][1][2] == codes.END_REASON_FORGOTTEN or any(
        kind == codes.RECORD_SESSION_END and values[2] == codes.END_REASON_FORGOTTEN
        for kind, values in box.journal.entries
    )


def test_a_full_journal_starts_no_session_but_service_and_ends_one_all_the_same(box):
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)
    box.journal.vital_full = True
    assert box.tap(DRIVER) == ["journal_full"]
    assert box.tap(SERVICE) == ["service"]


def test_a_flash_that_takes_no_record_keeps_nobody_out(box):
    box.journal.broken = True
    assert box.tap(DRIVER) == ["welcome"]
    assert ("doors", "unlock") in box.events
    assert box.parts.faults.is_set(codes.FAULT_FLASH_DAMAGED)
    box.wait(5)
    assert box.tap(DRIVER) == ["ended"]


def test_driving_off_while_ending_goes_on_and_is_flagged(box):
    box.tap(DRIVER)
    box.shaking = True
    box.wait(5)
    box.tap(DRIVER)
    assert box.relay.contact == codes.CONTACT_ALLOW  # somebody moves: no proof of standstill
    box.drive(2)
    assert box.state == codes.STATE_DRIVING
    box.stop()
    box.tap(DRIVER)
    assert box.parts.session.flags == 1 << codes.END_FLAG_BIT_DRIVEN_OFF


def test_an_alarm_is_told_once_and_the_car_stays_parked(box):
    box.wait(2)
    box.kl15 = True
    box.wait(30)
    assert box.records(codes.RECORD_ALARM) == [codes.RECORD_ALARM]
    assert box.state == codes.STATE_PARKED


def test_a_carried_car_opens_and_refuses_inhibit_until_it_is_put_down(box):
    box.tap(DRIVER)
    box.at_home = False
    box.shaking = True
    box.wait(40)
    assert box.parts.session.carried
    assert box.tap(DRIVER) == ["stopover"]
    box.wait(10)
    assert box.relay.contact == codes.CONTACT_ALLOW
    box.shaking = False
    box.wait(75)
    assert not box.parts.session.carried
    assert box.relay.contact == codes.CONTACT_INHIBIT


def test_commands_are_evaluated_once_and_repeated_only_in_words(box):
    box.tap(DRIVER)
    box.wait(1)
    done = box.command(codes.COMMAND_LOCK, command_id=50)
    assert done == (codes.COMMAND_RESULT_DONE, 0)
    locks = box.events.count(("doors", "lock"))
    assert box.command(codes.COMMAND_LOCK, command_id=50) == done
    assert box.events.count(("doors", "lock")) == locks
    box.restart()
    box.wait(1)
    assert box.command(codes.COMMAND_LOCK, command_id=50)[0] == codes.COMMAND_RESULT_EXPIRED


def test_an_expired_an_unknown_and_an_unbuilt_command_do_nothing_and_say_so(box):
    assert box.command(codes.COMMAND_LOCK, expires_s=0) == (
        codes.COMMAND_RESULT_EXPIRED,
        codes.REFUSAL_EXPIRED,
    )
    assert box.command(99)[0] == codes.COMMAND_RESULT_UNKNOWN
    assert box.command(codes.COMMAND_TRACK) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_NOT_FITTED)
    assert not [event for event in box.events if event[0] in ("relay", "doors")]


def test_a_remote_lock_does_not_lock_the_driver_out(box):
    box.tap(DRIVER)
    box.wait(5)
    assert box.command(codes.COMMAND_LOCK)[0] == codes.COMMAND_RESULT_DONE
    assert box.tap(DRIVER) == ["welcome"]
    assert box.events[-1] == ("doors", "unlock") or ("doors", "unlock") in box.events[-3:]
    assert box.state == codes.STATE_OPEN


def test_a_remote_end_needs_a_parked_car_and_proof(box):
    box.tap(DRIVER)
    box.drive()
    assert box.command(codes.COMMAND_END_SESSION) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_DRIVING)
    box.stop(30)
    assert box.command(codes.COMMAND_END_SESSION) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_IGNITION_ON)
    box.shaking = True
    box.wait(40)
    refused = (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_NO_PROOF_OF_STANDSTILL)
    assert box.command(codes.COMMAND_END_SESSION) == refused
    box.shaking = False
    box.wait(75)
    assert box.command(codes.COMMAND_END_SESSION) == (codes.COMMAND_RESULT_DONE, 0)
    assert (box.state, box.relay.contact) == (codes.STATE_PARKED, codes.CONTACT_INHIBIT)
    assert box.command(codes.COMMAND_END_SESSION) == (codes.COMMAND_RESULT_REFUSED, codes.REFUSAL_TOO_LATE)


def test_open_for_starts_a_session_that_ends_unused_and_stays_when_used(box):
    assert box.command(codes.COMMAND_OPEN_FOR, 17) == (codes.COMMAND_RESULT_DONE, 0)
    assert box.parts.session.badge == DRIVER  # its reservation's badge works as well
    box.wait(61)
    assert box.state == codes.STATE_PARKED
    box.command(codes.COMMAND_OPEN_FOR, 17)
    box.inputs.door_open = True
    box.wait(2)
    box.inputs.door_open = False
    box.wait(100)
    assert box.state == codes.STATE_OPEN
    assert box.command(codes.COMMAND_OPEN_FOR, 99) == (
        codes.COMMAND_RESULT_REFUSED,
        codes.REFUSAL_HELD_BY_ANOTHER,
    )


def test_garage_lets_the_car_start_without_a_badge_for_so_many_days(box):
    assert box.command(codes.COMMAND_GARAGE, 2) == (codes.COMMAND_RESULT_DONE, 0)
    assert box.relay.contact == codes.CONTACT_ALLOW
    box.drive()
    assert box.state == codes.STATE_PARKED
    assert box.records(codes.RECORD_ALARM) == []
    box.stop()
    assert box.relay.contact == codes.CONTACT_ALLOW
    box.parts.clock.set_from_cloud(NOW + 2 * 86_400 + 300)
    box.wait(75)
    assert box.relay.contact == codes.CONTACT_INHIBIT


def test_a_fitter_who_holds_the_badge_on_gets_the_garage_mode(box):
    box.promise(SERVICE, 0x8000_0001, -60, 10**6, kind=3)
    box.tap(SERVICE)
    box.wait(5)
    asyncio.run(box.access.hold(SERVICE))
    assert (box.state, box.parts.session.garage) == (codes.STATE_PARKED, True)
    assert box.relay.contact == codes.CONTACT_ALLOW


def test_unknown_cards_are_counted_and_recorded_once_a_minute_without_their_hash(box):
    for _ in range(10):
        box.tap(STRANGER)
    refused = [values for kind, values in box.journal.entries if kind == codes.RECORD_REFUSED]
    assert refused == [(bytes(8), codes.REFUSAL_UNKNOWN_BADGE, codes.STATE_PARKED)]
    assert box.access.unknown_badges == 10


def test_an_ending_is_over_after_its_time_also_when_the_clock_was_set_back(box):
    box.tap(DRIVER)
    box.wait(5)
    box.tap(DRIVER)
    box.parts.clock.set_from_cloud(NOW - 10_000)
    box.wait(121)
    assert box.state == codes.STATE_PARKED


def test_the_state_of_the_wire_says_only_what_is_known(box):
    box.at_home = None
    box.parts.settings.apply({"key_holder_fitted": 0})
    state = pack_state(box.parts, 12_600)
    assert len(state) == 22
    known = state[3]
    assert not known & 1 << codes.INPUT_BIT_IGNITION
    assert not known & 1 << codes.INPUT_BIT_KEY_IN_HOLDER
    assert not known & 1 << codes.INPUT_BIT_STILL
    box.tap(DRIVER)
    box.wait(12)
    state = pack_state(box.parts, 12_600)
    assert state[0] == codes.STATE_OPEN
    assert state[3] & 1 << codes.INPUT_BIT_STILL
    assert int.from_bytes(state[12:16], "little") == 17
