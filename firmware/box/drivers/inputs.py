"""Inputs from the car: ignition (KL15), doors, key holder; each debounced."""

from micropython import const

DEBOUNCE_MS = const(40)  # contacts bounce for up to 10 ms, door switches for 30


class Inputs:
    """`kl15` reads 1 with the ignition on, `doors` 0 with a door open, `key_holder` 0 with the key in the
    holder.

    `kl15_on`, `door_open`, `key_in_holder` are None before the first `update`.
    """

    def __init__(self, kl15, doors, key_holder, ticks_diff=None):
        self._pins = (kl15, doors, key_holder)
        self._ticks_diff = ticks_diff or (lambda a, b: a - b)
        self._levels = [None, None, None]
        self._raw = [None, None, None]
        self._since_ms = [0, 0, 0]
        self.kl15_on = None
        self.door_open = None
        self.key_in_holder = None

    def update(self, now_ms):
        """Read the pins; a change counts once it has stood for `DEBOUNCE_MS`. Call it each 10 to 100 ms."""
        for index, pin in enumerate(self._pins):
            level = pin.value()
            if level != self._raw[index]:
                self._raw[index] = level
                self._since_ms[index] = now_ms
            is_first = self._levels[index] is None
            if is_first or self._ticks_diff(now_ms, self._since_ms[index]) >= DEBOUNCE_MS:
                self._levels[index] = level
        kl15, doors, key_holder = self._levels
        self.kl15_on = kl15 == 1
        self.door_open = doors == 0
        self.key_in_holder = key_holder == 0
