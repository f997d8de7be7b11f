# mypy: ignore-errors
# Runs on the box: can it join each network of VALUES["networks"] (name, password)? One answer a network: its
# place and the status in which it ended within VALUES["seconds"].
import json
import time

import network

_station = network.WLAN(network.STA_IF)
for _at, (_name, _password) in enumerate(VALUES["networks"]):  # noqa: F821 (the tool sets it)
    _station.active(False)
    _station.active(True)
    _station.connect(_name, _password or None)
    _end = time.ticks_add(time.ticks_ms(), int(VALUES["seconds"] * 1000))  # noqa: F821
    while True:
        _status = _station.status()
        if _status not in (network.STAT_CONNECTING, network.STAT_IDLE, network.STAT_NO_AP_FOUND):
            break
        if time.ticks_diff(_end, time.ticks_ms()) <= 0:
            break
        time.sleep_ms(100)
    print("glovebox-answer " + json.dumps([_at, _status]))
_station.active(False)
