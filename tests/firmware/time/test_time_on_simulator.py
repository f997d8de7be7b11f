"""The unmodified firmware on the simulated board, when the date is lost, forged or a month later."""

from glovebox_sim import faults
from support_scene import DRIVER, SERVICE

DAY = 86_400
LATER = bytes.fromhex("04c0ffee123456")


def lose_battery(scene):
    """Power off, the clock chip's cell empty, power on."""
    scene.world.set_power(False)
    faults.inject(scene.world, "clock_battery")
    scene.sim.run_for(5)
    scene.world.set_power(True)


def test_a_date_forged_while_the_clock_was_lost_refuses_by_it_and_is_gone_ten_minutes_after_the_forger(scene):
    scene.provision()
    scene.world.receiver.date_off_s = 900 * DAY
    lose_battery(scene)
    scene.sim.run_for(60)
    assert scene.shown(DRIVER) == "too_late"
    assert scene.shown(SERVICE) != "service"
    scene.world.receiver.date_off_s = 0
    scene.sim.run_for(11 * 60)
    assert scene.shown(DRIVER) == "welcome"


def test_a_date_forged_beside_a_clock_that_runs_changes_nothing(scene):
    scene.provision()
    scene.world.receiver.date_off_s = 900 * DAY
    scene.sim.run_for(15 * 60)
    scene.box.reset()
    scene.sim.run_for(60)
    assert scene.shown(DRIVER) == "welcome"


def test_a_week_number_that_rolled_over_leaves_a_lost_clock_lost(scene):
    scene.provision()
    scene.world.receiver.date_off_s = -1024 * 7 * DAY
    lose_battery(scene)
    scene.sim.run_for(60)
    assert scene.shown(DRIVER) == "clock_unknown"
    assert scene.shown(SERVICE) == "service"


def test_after_a_month_without_power_the_chip_tells_whose_day_it_is(scene):
    scene.provision(more=[(LATER, 18, 30 * DAY - 600, 30 * DAY + 7200, 1)])
    scene.world.receiver.is_dead = True
    scene.world.set_power(False)
    scene.sim.run_for(2)
    chip, now_us = scene.board.clock_chip.chip, scene.board.now_us
    chip.restore(chip.save(now_us), 30 * DAY, now_us)
    scene.world.set_power(True)
    scene.sim.run_for(10)
    assert scene.shown(DRIVER) == "too_late"
    assert scene.shown(LATER) == "welcome"
