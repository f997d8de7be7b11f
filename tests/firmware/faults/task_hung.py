"""A task raises once. A sound one does not, however much it has to do."""

from support_broken import copy_firmware
from support_scene import DRIVER

_BROKEN = "fix = self._gnss.poll()"


def options(directory):
    global _site
    sites = copy_firmware(directory / "firmware", ["tasks.py"])
    _site = next(site.number for site in sites if site.text == _BROKEN)
    return {"firmware": directory / "firmware"}


def stay_silent(scene):
    scene.tap(DRIVER)
    scene.start_engine()
    scene.sim.run_for(10)


def provoke(scene):
    (scene.box.firmware / "plan.txt").write_text(f"{_site} error")
    scene.box.reset()
    scene.sim.run_for(5)


def mend(scene):
    scene.sim.run_for(100)
