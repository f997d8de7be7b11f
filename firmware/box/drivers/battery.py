"""The car's 12 V through a divider on an ADC channel."""

from micropython import const

_SAMPLES = const(4)  # the mean takes the edge off the alternator's ripple


class Battery:
    """`adc.read_uv()` in microvolts, calibrated; `divider` is how many times smaller they are than the
    battery's.
    """

    def __init__(self, adc, divider=11):
        self._adc = adc
        self._divider = divider

    def read_mv(self):
        """Millivolts of the battery."""
        total_uv = 0
        for _ in range(_SAMPLES):
            total_uv += self._adc.read_uv()
        return total_uv // _SAMPLES * self._divider // 1000
