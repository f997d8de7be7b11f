"""What seeds have found, each as a scenario of its own: it was broken, it is mended, it stays so."""

import pytest
from glovebox.errors import Invalid
from glovebox.reservations import service as reservations
from glovebox.scope import SYSTEM

from seeds import agree
from seeds.life import Life
from seeds.town import Template


@pytest.fixture(scope="module")
def template():
    made = Template()
    yield made
    made.close()


@pytest.fixture
def life(template, request):
    """One car, linked, with Alice's reservation; no people about, no faults."""
    quiet = Life(template, 1)
    quiet.is_over = True  # no fault at any moment
    quiet.begin()
    quiet.sim.run_for(20)
    yield quiet
    quiet.close()


def test_after_a_restore_the_cloud_hears_that_the_box_holds_the_set(life):
    """The set that the restored cloud sent was the one held before, so the box had no news of it: "the car
    knows" stayed no until the next link."""
    cloud = life.town.cloud
    kept = cloud.back_up()
    life.sim.run_for(2)
    cloud.restore(kept)
    life.note_restored()
    agree.wait_for_all(life)
    assert life.books("select held_version > 0 from boxes order by id")[0] == (1,)


def test_a_box_that_lost_its_files_sends_again_what_a_restored_cloud_lacks(life):
    """With its files it lost the number of the store it knew, and took the restored one for the first: what
    it held acknowledged was never sent again, and the cloud took the gap."""
    side, cloud = life.town.cars[0], life.town.cloud
    kept = cloud.back_up()
    life.persons["alice"].tap(side)
    life.sim.run_for(5)
    assert life.watches[side.name].session is not None
    side.world.set_power(False)
    _damage_files(side)
    cloud.restore(kept)
    life.note_restored()
    side.world.set_power(True)
    life.sim.run_for(10)
    life.command(side, "flash_lights")  # something newer than what the cloud lacks
    agree.wait_for_all(life)


def test_an_end_before_the_start_is_refused_of_a_reservation_that_was_begun_early(life):
    """In use before its time, its end was moved before its start: the database refused, and the page with
    it."""
    side = life.town.cars[0]
    (first,) = life.books("select id from reservations where vehicle_id = ?", side.vehicle)[0]
    life.ask_cloud("manager", "cancels", lambda tx, now: reservations.cancel(tx, now, SYSTEM, first))
    number = life.book("bob", side, 600, 7_200)
    life.sim.run_for(5)
    life.persons["bob"].tap(side)
    life.sim.run_for(5)
    assert life.books("select state from reservations where id = ?", number) == [("in_use",)]
    soon = int(life.town.cloud.clock()) + 60
    with pytest.raises(Invalid, match="end_before_start"):
        life.town.cloud.run(lambda tx: reservations.change(tx, soon - 60, SYSTEM, number, ends_at=soon))


@pytest.mark.parametrize("delay_s", [0.018, 0.022, 0.026])
def test_a_handshake_does_not_hold_up_the_end_of_a_relay_pulse(template, delay_s):
    """The link gave way to cards alone, and before it fetched the time: the relay was pulsed meanwhile, and
    its coil carried current for as long as the handshake took, 1.2 s (the chip's model fails at one)."""
    quiet = Life(template, 1)
    quiet.is_over = True  # no fault at any moment
    side = quiet.town.cars[0]
    coil = []
    quiet.sim.on_event.append(
        lambda _t, _box, source, name, data: (
            coil.append(quiet.t) if (source, name) == ("relay", "coil") else 0
        )
    )
    side.box.board.clock_chip.forget()
    side.world.receiver.sky_open = False
    side.world.set_network(False)
    side.network.delay_s = delay_s
    side.world.kl15_override = True
    try:
        quiet.begin()
        quiet.sim.call_later(3.7, lambda: setattr(side.world, "kl15_override", None))
        quiet.sim.call_later(60, lambda: side.world.set_network(True))
        quiet.sim.run_for(72)
    finally:
        quiet.close()
    assert len(coil) == 2
    assert coil[1] - coil[0] < 0.2


def _damage_files(side):
    """A bit of each sector of littlefs that is written."""
    memory = side.box.board.flash.memory
    offset, size = next(row[2:4] for row in side.box.board.partitions if row[4] == "vfs")
    for at in range(offset, offset + size, 4096):
        if memory[at : at + 64] != b"\xff" * 64:
            memory[at : at + 64] = bytes(value ^ 0x10 for value in memory[at : at + 64])


def test_whoever_taps_is_answered_when_the_files_cannot_be_read(life):
    """A bit flipped on littlefs: looking the badge up raised, the reader was blamed, and nobody was answered.
    The cloud is asked and knows; after the next start the files are whole again."""
    side = life.town.cars[0]
    _damage_files(side)
    life.persons["eve"].tap(side)
    life.sim.run_for(3)
    watch = life.watches[side.name]
    assert watch.answered_at > watch.tapped_at
    side.world.set_power(False)
    life.sim.run_for(2)
    side.world.set_power(True)
    agree.wait_for_all(life)
