"""The file of authorisations is damaged and none is in force. An empty set, well delivered, is not that."""

_DAMAGE = """
import os
for name in os.listdir("/"):
    if name.startswith("auth"):
        with open("/" + name, "r+b") as file:
            file.seek(3)
            file.write(b"?")
"""


def stay_silent(scene):
    scene.box.reset()
    scene.sim.run_for(5)


def provoke(scene):
    scene.box.run_script(_DAMAGE)
    scene.sim.run_for(10)
