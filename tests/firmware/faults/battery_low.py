"""A battery that rests low. Cranking is no measure of it."""

from support_scene import DRIVER


def _set(scene, mv):
    scene.world.battery_override_mv = mv
    scene.world._push()


def stay_silent(scene):
    scene.tap(DRIVER)
    scene.world.kl15_override = True
    _set(scene, 8_600)
    scene.sim.run_for(5)
    _set(scene, None)
    scene.world.kl15_override = None
    scene.world._push()
    scene.sim.run_for(10)


def provoke(scene):
    _set(scene, 11_700)
    scene.sim.run_for(90)


def mend(scene):
    _set(scene, None)
    scene.sim.run_for(150)
