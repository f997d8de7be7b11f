"""The flash takes no session any more. One program that power has torn is not that."""

from support_scene import DRIVER


def stay_silent(scene):
    scene.tap(DRIVER)
    scene.world.set_power(False)
    scene.sim.run_for(2)
    scene.world.set_power(True)
    scene.sim.run_for(5)


def provoke(scene):
    row = next(row for row in scene.board.partitions if row[4] == "session")
    program = scene.board.flash.program

    def take_nothing_there(address, data):
        if not row[2] <= address < row[2] + row[3]:
            program(address, data)

    scene.board.flash.program = take_nothing_there
    scene.tap(DRIVER, 5)
    scene.sim.run_for(5)
