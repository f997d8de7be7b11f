"""The same hal on the machine's own clock, as the bench uses it."""

from __future__ import annotations

import threading
from pathlib import Path

from support_sim_core import assert_sound, printed, simulated

MAIN = """
    import asyncio, machine, time
    flag = asyncio.ThreadSafeFlag()
    kl15 = machine.Pin(36, machine.Pin.IN)
    kl15.irq(lambda p: flag.set(), machine.Pin.IRQ_RISING)
    uart = machine.UART(2, baudrate=9600, tx=0, rx=13)
    async def main():
        print("ready")
        began = time.ticks_ms()
        await flag.wait()
        print("kl15", kl15.value())
        print(await asyncio.StreamReader(uart).readexactly(4))
        await asyncio.sleep_ms(50)
        print("slept", time.ticks_diff(time.ticks_ms(), began) >= 50)
    asyncio.run(main())
"""


def test_events_from_another_thread_wake_the_box(tmp_path: Path) -> None:
    with simulated(tmp_path, MAIN, real_time=True) as (sim, box):
        seen = threading.Event()
        sim.on_event.append(lambda at, name, source, what, data: seen.set() if what == "finished" else None)
        runner = threading.Thread(target=sim.run_forever)
        runner.start()
        try:
            wait_for(lambda: "ready" in printed(box))
            box.board.kl15 = True
            wait_for(lambda: "kl15 1" in printed(box))
            box.board.gnss.feed(b"$GP\n")
            assert seen.wait(20)
        finally:
            sim.stop()
            runner.join(10)
        assert_sound(box)
        assert printed(box) == ["ready", "kl15 1", "b'$GP\\n'", "slept True"]


def wait_for(is_reached, limit: int = 2000) -> None:  # type: ignore[no-untyped-def]
    """Ask until it is so; the thread's own progress is the clock."""
    pause = threading.Event()
    for _ in range(limit):
        if is_reached():
            return
        pause.wait(0.01)
    raise AssertionError("it never happened")
