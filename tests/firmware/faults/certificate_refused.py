"""A server whose certificate has run out. One that is refused as a WebSocket, or silent, is no such fault."""

from support_networks import Deaf, join


def options(directory):
    return {"server": Deaf()}


def stay_silent(scene):
    join(scene)
    scene.sim.run_for(60)


def provoke(scene):
    scene.box.server.certificate = (0, 1)
    scene.box.reset()
    scene.sim.run_for(60)
