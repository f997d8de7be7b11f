"""The reader's chip hangs. A card torn away in the middle of its answer is no fault of the reader."""

from chips.iso14443_card import Card
from glovebox_sim import faults
from support_scene import DRIVER


def stay_silent(scene):
    for after_s in (0.05, 0.07, 0.11):
        card = Card(DRIVER)
        scene.board.reader.present(card)
        scene.sim.run_for(after_s)
        scene.board.reader.remove(card)
        scene.sim.run_for(1)


def provoke(scene):
    faults.inject(scene.world, "reader_stuck")
    scene.sim.run_for(3)


def mend(scene):
    faults.undo(scene.world, "reader_stuck")
    scene.sim.run_for(35)
