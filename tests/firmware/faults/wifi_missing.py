"""None of the box's networks is there. A network without a cloud behind it is not that."""

from support_networks import Deaf, join


def options(directory):
    return {"server": Deaf()}


def stay_silent(scene):
    join(scene)
    scene.sim.run_for(60)


def provoke(scene):
    scene.box.network.accepts_any = False
    scene.world.set_network(False)
    scene.sim.run_for(60)


def mend(scene):
    scene.box.network.accepts_any = True
    scene.world.set_network(True)
    scene.sim.run_for(150)
