"""Power fails at every program and erase of a session: nothing announced is lost, nobody is stuck."""

import shutil

import pytest
from box.protocols import codes
from chips.iso14443_card import Card
from chips.nor_flash import MODES
from glovebox_sim.simulation import Simulation
from support_box import EPOCH_2000, provision, read_journal

DRIVER = bytes.fromhex("04a1b2c3d4e5f6")
ENDING_S = 5
_NEVER = 1_000_000


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The directory of a provisioned box that has been on once."""
    directory = tmp_path_factory.mktemp("prepared")
    sim = Simulation(seed=3)
    box = sim.add_box("AB-123-CD", directory=directory / "box")
    box.power_on()
    sim.run_for(1)
    now_s = int(sim.now) - EPOCH_2000
    provision(box, [(DRIVER.hex(), 17, now_s - 100, now_s + 100_000, 1, 0)], {"ending_s": ENDING_S})
    sim.run_for(15)
    box.power_off()
    sim.close()
    return directory


class Run:
    """The first session of a box, and power lost at the `cut`-th operation of its flash (0: never)."""

    def __init__(self, prepared, directory, cut=0, mode="torn"):
        shutil.copytree(prepared, directory)
        self.sim = Simulation(seed=3, start_at=1_780_000_100)
        self.box = self.sim.add_box("AB-123-CD", directory=directory / "box")
        self.board = self.box.board
        self.doors = []
        self.sim.on_event.append(self._note)
        self.box.power_on()
        self.board.flash.cut_at(cut or _NEVER, mode)

    def _note(self, now, box, source, name, data):
        if source == "door":
            self.doors.append(name)

    def tap(self):
        """Hold the card for a moment; return what the doors did, and whether power failed meanwhile."""
        self.doors.clear()
        card = Card(DRIVER)
        self.board.reader.present(card)
        self.sim.run_for(0.8)
        self.board.reader.remove(card)
        self.sim.run_for(3.5)
        return list(self.doors)

    def play(self):
        """A session from tap to end; stops where power fails and returns what the driver was told last."""
        told = "parked"
        self.sim.run_for(12)
        for step in ("tap", "on", "off", "tap", "end"):
            if not self.box.is_on:
                return told
            if step == "tap":
                doors = self.tap()
                if doors:
                    told = {"unlock": "open", "lock": "ending"}[doors[-1]]
            else:
                self.board.kl15 = step == "on"
                self.sim.run_for(ENDING_S + 2 if step == "end" else 4)
        return "parked" if self.box.is_on else told

    def close(self):
        crashes = list(self.box.crashes)
        self.sim.close()
        assert not crashes, crashes


def check_books(journal):
    """Sequences without gaps, one session after the other, each ended once."""
    assert [sequence for _, sequence, *_ in journal] == list(range(1, len(journal) + 1))
    running = None
    for kind, sequence, _, values in journal:
        if kind == codes.RECORD_SESSION_START:
            assert running is None
            running = sequence
        elif kind == codes.RECORD_SESSION_END:
            assert values[0] == running
            running = None
    return running


def count_operations(prepared, directory):
    """Return the programs and erases of a whole first session."""
    run = Run(prepared, directory)
    assert run.play() == "parked"
    count = _NEVER - run.board.flash._cut_in
    assert check_books(read_journal(run.box)) is None
    run.close()
    return count


def try_cut(prepared, directory, cut, mode):
    """Play with a cut; return whether power failed. What the driver was told before must be so afterwards."""
    run = Run(prepared, directory, cut, mode)
    told = run.play()
    if run.box.is_on:
        run.close()
        return False
    run.board.kl15 = False
    run.sim.run_for(2)
    run.box.power_on()
    run.sim.run_for(ENDING_S + 7)
    journal = read_journal(run.box)
    running = check_books(journal)
    kinds = [kind for kind, *_ in journal]
    if told == "open":
        assert codes.RECORD_SESSION_START in kinds
        assert running is not None or codes.RECORD_ENDING in kinds
    if told == "ending":
        assert codes.RECORD_ENDING in kinds
    run.sim.run_for(12)
    assert run.tap(), "a tap moves the doors, whatever was cut"
    run.close()
    shutil.rmtree(directory)
    return True


@pytest.mark.sweep
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("mode", MODES)
def test_power_fails_at_every_flash_operation_of_the_first_session(prepared, tmp_path, mode):
    count = count_operations(prepared, tmp_path / "count")
    assert count > 20
    cuts = sum(try_cut(prepared, tmp_path / f"{mode}-{cut}", cut, mode) for cut in range(1, count + 1))
    assert cuts >= count - 2
