"""The files are lost: the file system cannot be mounted. A power cut is no damage."""


def stay_silent(scene):
    scene.world.set_power(False)
    scene.sim.run_for(2)
    scene.world.set_power(True)
    scene.sim.run_for(5)


def provoke(scene):
    row = next(row for row in scene.board.partitions if row[4] == "vfs")
    scene.board.flash.memory[row[2] : row[2] + 8_192] = bytes(8_192)
    scene.box.reset()
    scene.sim.run_for(10)
