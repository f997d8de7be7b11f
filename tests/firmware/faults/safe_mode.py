"""Three early failures in a row. Not two, and not winter cranking, however often it resets the box."""

from box.protocols.codes import RESET_CAUSE_POWER_ON, RESET_CAUSE_WATCHDOG


def _fail(scene, times, cause=RESET_CAUSE_WATCHDOG):
    for _ in range(times):
        scene.box.reset(cause)
        scene.sim.run_for(5)


def _set(scene, mv, kl15):
    scene.world.battery_override_mv = mv
    scene.world.kl15_override = kl15
    scene.world._push()
    scene.sim.run_for(1)


def stay_silent(scene):
    _fail(scene, 5, RESET_CAUSE_POWER_ON)
    _set(scene, 8_900, None)
    _fail(scene, 5)
    _set(scene, None, True)
    _fail(scene, 5)
    _set(scene, None, None)
    scene.box.reset(RESET_CAUSE_POWER_ON)
    scene.sim.run_for(5)
    _fail(scene, 2)


def provoke(scene):
    _fail(scene, 1)
