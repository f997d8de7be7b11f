"""Power fails at every program and erase of the story's first session, with the real cloud at the other end:
nothing acknowledged is lost, and the driver still gets in, drives and gives the car back.
"""

import shutil
import struct
from itertools import count
from pathlib import Path

import pytest
from chips.nor_flash import MODES
from glovebox_sim import route as routes
from glovebox_sim import speed_trace
from support_story import KINDS, MINUTE, VITAL_KINDS, StoryWorld

pytestmark = [pytest.mark.sweep, pytest.mark.timeout(3600)]

FIRMWARE = Path(__file__).parents[2] / "firmware"
DRIVE_S = 40
TAPS = 4
WITHOUT_POWER_S = 3
LEAST_OPERATIONS = 25


class FirstSession(StoryWorld):
    """A fresh town, box and car; then Alice's reservation and session, with power lost at the `cut`-th
    operation of the flash from then on (0: never) and back after three seconds."""

    def __init__(self, directory, firmware=None):
        directory.mkdir()
        super().__init__(directory, firmware=firmware)
        self.acknowledged = None

    def begin(self, cut, mode):
        self.box.power_on()
        self.wait(self.is_linked, 2 * MINUTE, "the link is up")
        self.wait(self.all_acknowledged, MINUTE, "all is told")
        self.sim.on_event.append(self._power_comes_back)
        if cut:
            self.box.board.flash.cut_at(cut, mode)

    def _power_comes_back(self, _t, _box, source, name, _data):
        if (source, name) == ("flash", "power_cut"):
            self.acknowledged = self.records()
            self.sim.call_at_us(self.sim.now_us + WITHOUT_POWER_S * 1_000_000, self.box.power_on)

    def tap_until(self, is_done, what):
        """As a driver does who sees nothing happen: once more."""
        for _ in range(TAPS):
            self.tap(self.alice.uid)
            self.run(4)
            if is_done():
                return
            self.run(4)
        raise AssertionError(what)

    def play(self):
        """Reservation and session. Raises AssertionError where the driver is let down."""
        self.reservation_id = self.book(self.alice, self.now, self.now + 240 * MINUTE)
        self.wait(lambda: self.car_knows(self.alice, self.reservation_id), 5 * MINUTE, "the car knows")
        self.tap_until(lambda: not self.car.locked, "the badge opens")
        for action in ("get_in", "take_key", "ignition_on"):
            self.world.person(action)
            self.run(3)
        assert self.world.person("turn_starter") == "turns"
        self.run(3)
        trace = speed_trace.town().part(0, DRIVE_S)
        here = self.car.place
        self.car.drive(trace, routes.find("town_loop").starting_at(here.lat, here.lon).fitted(trace.total_m))
        self.wait(lambda: not self.car.is_driving, 3 * DRIVE_S, "she has driven")
        for action in ("ignition_off", "put_key_back", "get_out"):
            self.world.person(action)
            self.run(3)
        self.run(WITHOUT_POWER_S + 3)
        self.tap_until(lambda: self.car.locked, "the badge ends")
        self.wait(self.has_trip, 10 * MINUTE, "the trip is in the cloud")
        self.run(30)
        self.wait(self.all_acknowledged, 10 * MINUTE, "all is told")

    def has_trip(self):
        return any(trip["end_reason"] != "not_begun" for trip in self.finished_trips(self.alice))

    def check(self):
        """Cloud and flash hold the same, once each; what the cloud had is what it has."""
        self.check_journal_whole()
        told = {sequence: slot for _epoch, ring, sequence, slot in self.records() if ring == 1}
        held = self.vital_on_flash()
        assert held
        assert {sequence: told[sequence] for sequence in held} == held
        trips = self.finished_trips(self.alice)
        kinds = [slot[0] for slot in told.values()]
        assert kinds.count(KINDS["session_start"]) == kinds.count(KINDS["session_end"]) == len(trips)
        assert {trip["reservation_id"] for trip in trips} == {self.reservation_id}
        assert [trip["end_reason"] for trip in trips if trip["end_reason"] != "not_begun"] == ["badge"]
        assert self._rows("select kind from incidents where kind like 'journal%'") == []
        if self.acknowledged is not None:
            assert set(self.acknowledged) <= set(self.records())

    def vital_on_flash(self):
        """The vital ring's records by sequence, as the box that is stopped for it finds them."""
        slots = map(bytes.fromhex, self.box.run_script(_LIST).split())
        return {struct.unpack_from("<I", slot, 4)[0]: slot for slot in slots if slot[0] in VITAL_KINDS}


_LIST = """
from binascii import hexlify
from box import app, config
from box.protocols import codes
from box.storage.ring import Ring
identity = app.load_identity()
ring = Ring(app.open_partition("vital"), codes.RING_VITAL, identity["box_id"], identity["epoch"],
            identity["keys"]["journal"])
ring.open()
for _, slot in ring.iterate(1, 100000):
    print(hexlify(slot).decode())
"""


def try_cut(directory, cut, mode, firmware=FIRMWARE):
    """One session; returns whether power was cut in it."""
    session = FirstSession(directory, firmware)
    try:
        session.begin(cut, mode)
        session.play()
        was_cut = session.acknowledged is not None
        session.check()
        assert not session.box.crashes, session.box.crashes
    except AssertionError as error:
        raise AssertionError(f"cut {cut}, {mode}: {error}\n{session._trouble()}") from error
    finally:
        session.close()
    shutil.rmtree(directory)
    return was_cut


@pytest.mark.parametrize("lane", range(len(MODES)))
def test_power_fails_at_every_flash_operation_of_the_storys_first_session(tmp_path, lane):
    """Each operation once, in one of the modes; the box's own sweep has each in all of them."""
    for number in count():
        cut = 1 + lane + number * len(MODES)
        if not try_cut(tmp_path / str(cut), cut, MODES[(lane + number) % len(MODES)]):
            assert cut > LEAST_OPERATIONS, "a session writes more than that"
            return


def write_behind(directory):
    """A firmware whose records are on the flash only when the next one is written: what a buffer would do."""
    shutil.copytree(FIRMWARE, directory)
    path = directory / "box" / "storage" / "ring.py"
    text = path.read_text()
    for before, after in (
        (
            "self._partition.program(self._head, index * _SLOT_SIZE, slot)",
            "held, self._late = getattr(self, '_late', None), (self._head, index * _SLOT_SIZE, bytes(slot))\n"
            "                if held: self._partition.program(*held)",
        ),
        (
            "            yield sequence, slot\n",
            "            late = getattr(self, '_late', None)\n"
            "            if late and late[0] == sector and late[1] == slots[sequence - start] * _SLOT_SIZE:\n"
            "                slot[:] = late[2]\n"
            "            yield sequence, slot\n",
        ),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    path.write_text(text)
    return directory


def try_every_third_cut(directory, firmware):
    for cut in range(3, 3 * LEAST_OPERATIONS, 3):
        try_cut(directory / str(cut), cut, "dropped", firmware)


def test_the_sweep_finds_a_firmware_that_acknowledges_what_is_not_on_its_flash(tmp_path):
    firmware = write_behind(tmp_path / "firmware")
    try_cut(tmp_path / "uncut", 0, "torn", FIRMWARE)
    with pytest.raises(AssertionError, match="cut"):
        try_every_third_cut(tmp_path, firmware)
