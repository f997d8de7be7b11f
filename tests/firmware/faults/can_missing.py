"""The CAN controller is gone. A cut bus behind a sound controller is another fault."""

from glovebox_sim import faults


def stay_silent(scene):
    faults.inject(scene.world, "can_bus_off")
    scene.box.reset()
    scene.sim.run_for(10)
    faults.undo(scene.world, "can_bus_off")


def provoke(scene):
    faults.inject(scene.world, "can_missing")
    scene.box.reset()
    scene.sim.run_for(10)


def mend(scene):
    faults.undo(scene.world, "can_missing")
    scene.sim.run_for(40)
