"""One car with the unmodified firmware on the simulated board, and what is seen and heard of it."""

from box.drivers.indicator import get_pattern, iterate_names
from glovebox_sim.simulation import Simulation
from glovebox_sim.world import CarWorld
from support_box import EPOCH_2000, provision

DRIVER = bytes.fromhex("04a1b2c3d4e5f6")
STRANGER = bytes.fromhex("04ffeeddccbbaa")
SERVICE = bytes.fromhex("1122334455667788990a")
PHONE = bytes.fromhex("08c0ffee")
OTHER = bytes.fromhex("04010203040506")
E7_A_METRE = 90  # of latitude
LONGEST_S = 4
"""Every pattern but the one that waits for the cloud is over by then."""


class Scene:
    """One car with its box, and what was seen of it."""

    def __init__(self, directory, **options):
        self.sim = Simulation(seed=7)
        self.seen = []
        self.sim.on_event.append(self._note)
        self.box = self.sim.add_box("AB-123-CD", directory=directory / "box", **options)
        self.world = CarWorld(self.sim, self.box)
        self.board = self.box.board
        self.box.power_on()

    def _note(self, now, box, source, name, data):
        if source in ("relay", "door", "buzzer", "light"):
            self.seen.append((now, source, name, dict(data)))

    def provision(self, more=(), metres_away=0, driver_from_s=-100):
        """`more` rights beside the driver's and the service's: (uid, id, from and to in s from now, kind).
        The allowed place is so many metres to the north.
        """
        self.sim.run_for(1)
        now_s = int(self.sim.now) - EPOCH_2000
        home = self.world.car.place
        rights = [
            (DRIVER.hex(), 17, now_s + driver_from_s, now_s + 7200, 1, 0),
            (SERVICE.hex(), 0x8000_0001, now_s - 100, now_s + 7200, 3, 0),
        ]
        rights += [(uid.hex(), number, now_s + a, now_s + b, kind, 0) for uid, number, a, b, kind in more]
        lat_e7 = int(home.lat * 1e7) + metres_away * E7_A_METRE
        provision(self.box, rights, {"places": [[4, lat_e7, int(home.lon * 1e7), 150]]})
        self.sim.run_for(15)

    def tap(self, uid, after_s=2.0):
        """Hold a card for a moment; return what was seen since."""
        self.seen.clear()
        self.world.tap(uid)
        self.sim.run_for(after_s)
        return self.seen

    def shown(self, uid, after_s=LONGEST_S):
        """Tap; return the name of the pattern whose light and tones were all that followed."""
        self.tap(uid, after_s)
        return self.name_shown()

    def name_shown(self):
        lights = [_mask(data["pixels"]) for _, source, _, data in self.seen if source == "light"]
        tones = [data["hz"] for _, source, _, data in self.seen if source == "buzzer"]
        seen = _without_repeats(lights), _without_repeats(tones)
        return next((name for name in iterate_names() if _expected(name) == seen), str(seen))

    def tones(self):
        return [data["hz"] for _, source, _, data in self.seen if source == "buzzer" and data["hz"]]

    def moves(self):
        return [name for _, source, name, _ in self.seen if source == "door"]

    def start_engine(self):
        for action in ("open_door", "get_in", "close_door", "take_key", "ignition_on"):
            self.world.person(action)
            self.sim.run_for(0.5)
        assert self.world.person("turn_starter") == "turns"
        self.sim.run_for(2)

    def park(self):
        self.world.person("ignition_off")
        self.sim.run_for(4)
        for action in ("put_key_back", "open_door", "get_out", "close_door"):
            self.world.person(action)
            self.sim.run_for(0.5)

    def close(self):
        crashes = list(self.box.crashes)
        self.world.close()
        self.sim.close()
        assert not crashes, crashes


def _mask(pixels):
    return sum(1 << pixel for pixel, rgb in enumerate(pixels) if any(rgb))


def _without_repeats(values):
    """Changes alone, dark and silent before the first and after the last."""
    values = [0, *values, 0]
    return [value for at, value in enumerate(values) if at == 0 or value != values[at - 1]]


def _expected(name):
    _colour, rounds, steps = get_pattern(name)
    return (
        _without_repeats([shape for shape, _tone, _ms in steps] * rounds),
        _without_repeats([tone for _shape, tone, _ms in steps] * rounds),
    )
