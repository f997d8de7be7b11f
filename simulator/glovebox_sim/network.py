"""skeleton"""

from __future__ import annotations
from typing import Any

STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010


class BoxNetwork:
    def __init__(self, box: Any, cloud: tuple[str, int] | None, time_port: int | None) -> None:
        self._status = STAT_IDLE
        self.has_connections = False

    def call(self, verb: str, arguments: list[Any]) -> Any:
        if verb == "status":
            return self._status
        if verb == "connect":
            self._status = STAT_GOT_IP
            return 0
        if verb == "scan":
            return []
        return None

    def resolve(self, name: str, port: int) -> Any:
        return None

    def on_power_off(self) -> None: ...
    def is_held(self) -> bool:
        return False

    def close(self) -> None: ...
