"""Serial ports and what hangs on each.

The tool never guesses: it takes a port by itself only if there is just one that can be a box.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from serial.tools import list_ports

from glovebox_tools.box.board import BoardError

# (vendor, product) of the USB bridges on ESP32 boards; None: every product of the vendor.
_BRIDGES: dict[tuple[int, int | None], str] = {
    (0x10C4, 0xEA60): "Silicon Labs CP210x",
    (0x1A86, 0x7523): "WCH CH340",
    (0x1A86, 0x55D4): "WCH CH9102",
    (0x0403, None): "FTDI",
    (0x303A, None): "Espressif USB",
}


@dataclass(frozen=True)
class Port:
    """A serial port: its path, what it is in words, and whether a box may be behind it."""

    device: str
    what: str
    may_be_box: bool


def read_ports() -> list[Port]:
    """All serial ports of this computer, in the order of their names."""
    return describe(list_ports.comports())


def describe(found: Iterable[Any]) -> list[Port]:
    """What pyserial found (`ListPortInfo`), in words."""
    ports = []
    for info in sorted(found, key=lambda one: str(one.device)):
        bridge = _bridge(info.vid, info.pid)
        names = " ".join(part for part in (info.manufacturer, info.product) if part)
        ports.append(Port(info.device, bridge or names or _description(info), bool(bridge)))
    return ports


def choose(asked: str | None, ports: list[Port]) -> str:
    """The port to use. Raises BoardError if none was asked for and not exactly one can be a box."""
    if asked:
        return asked
    candidates = [port for port in ports if port.may_be_box]
    if not candidates:
        raise BoardError("no_port")
    if len(candidates) > 1:
        raise BoardError("several_ports", ports=", ".join(port.device for port in candidates))
    return candidates[0].device


def _description(info: Any) -> str:
    """pyserial's own words; it says "n/a" where it knows nothing."""
    return "" if info.description in (None, "n/a") else str(info.description)


def _bridge(vendor: int | None, product: int | None) -> str:
    if vendor is None:
        return ""
    return _BRIDGES.get((vendor, product)) or _BRIDGES.get((vendor, None)) or ""
