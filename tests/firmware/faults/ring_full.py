"""No record has room but those kept for running sessions. Mended by a cloud that hears it, see
tests/story/test_faults_in_console.py.
"""

from support_box import fill_vital

IS_SLOW = True


def stay_silent(scene):
    fill_vital(scene.box, "vital.used_fraction() < 0.97")
    scene.sim.run_for(5)


def provoke(scene):
    fill_vital(scene.box, "not journal.vital_full")
    scene.sim.run_for(5)
