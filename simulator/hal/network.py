"""`network`: the station interface, whose access points and weather belong to the host."""

import json

import _bridge
from micropython import const

STA_IF = const(0)
AP_IF = const(1)
STAT_IDLE = const(1000)
STAT_CONNECTING = const(1001)
STAT_GOT_IP = const(1010)
STAT_NO_AP_FOUND = const(201)
STAT_WRONG_PASSWORD = const(202)
STAT_BEACON_TIMEOUT = const(200)
STAT_ASSOC_FAIL = const(203)
STAT_HANDSHAKE_TIMEOUT = const(204)
AUTH_OPEN = const(0)
AUTH_WPA2_PSK = const(3)
AUTH_WPA3_PSK = const(6)

_hostname = "mpy-esp32"
_country = "XX"


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    _hostname = name


def country(code=None):
    global _country
    if code is None:
        return _country
    _country = code


class WLAN:
    """The station. Joining takes a modelled time; a network that goes is noticed after some beacons."""

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    SEC_OPEN = AUTH_OPEN

    def __init__(self, interface_id=STA_IF):
        if interface_id != STA_IF:
            raise ValueError("only the station is modelled")

    def _call(self, verb, *arguments):
        return json.loads(_bridge.call(_bridge.WLAN, 0, json.dumps([verb] + list(arguments)).encode()))

    def active(self, is_active=None):
        if is_active is None:
            return self._call("is_active")
        self._call("activate", bool(is_active))
        _bridge.advance(_bridge.costs["wifi_start_us"])
        return bool(is_active)

    def connect(self, ssid=None, key=None, *, bssid=None):
        status = self._call("connect", ssid, key)
        if status:
            raise OSError(status)

    def disconnect(self):
        self._call("disconnect")

    def isconnected(self):
        return self._call("status") == STAT_GOT_IP

    def status(self, parameter=None):
        if parameter == "rssi":
            return self._call("rssi")
        if parameter is not None:
            raise ValueError("unknown status param")
        return self._call("status")

    def scan(self):
        """(ssid, bssid, channel, RSSI, security, hidden) of each access point; blocks for the modelled
        time."""
        found = self._call("scan")
        _bridge.advance(_bridge.costs["wifi_scan_us"])
        return [(row[0].encode(), bytes.fromhex(row[1]), row[2], row[3], row[4], False) for row in found]

    def ifconfig(self, configuration=None):
        if self.isconnected():
            return ("10.0.0.2", "255.255.255.0", "10.0.0.1", "10.0.0.1")
        return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

    def ipconfig(self, name=None, **kwargs):
        if name == "addr4":
            return self.ifconfig()[:2]
        return None

    def config(self, name=None, **kwargs):
        if name == "mac":
            return bytes.fromhex(_bridge.config["unique_id"])
        if name in ("ssid", "essid"):
            return self._call("ssid")
        return None
