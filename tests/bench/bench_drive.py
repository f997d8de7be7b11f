"""Figures `virtual_time_factor` and `bytes_per_month`, from one day of one car.

The story's world: the real firmware on the MicroPython Unix port, its car, the real cloud over loopback TLS.

virtual_time_factor: virtual seconds a real second over a drive with satellite receiver, CAN bus,
accelerometer and link live.

bytes_per_month: bytes of the link as the proxy between box and cloud saw them, with TCP/IP headers at MSS
1,400, acknowledgements, opens and closes. A month is put together from what was measured: thirty days of a
parked car's heartbeats; 43 reservations told to the box; thirty hours of driving, in sessions of one hour
(the twenty minutes measured count three times, tap and end once); and one new connection a day, handshake
included. Prints one JSON object.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support_bench import Stopwatch, story_world, tell

PARKED_S = 2 * 3600
DRIVE_S = 1200
RESERVATIONS_MEASURED = 3
DAYS = 30
RESERVATIONS = 43  # ten a week
DRIVING_HOURS = 30


def measure_drive(world) -> tuple[int, int, float]:
    """Bytes of the way in and out of a session, bytes of the drive between, virtual time factor of the
    drive.
    """
    billed = world.box.network.billed_bytes
    begin = billed()
    world.book(world.alice, world.now, world.now + 3 * 3600)
    world.run(10)
    world.tap(world.alice.uid)
    world.wait(lambda: not world.car.locked and world.contact == "allow", 5, "the badge opens")
    world.run(3)
    for action in ("get_in", "take_key", "ignition_on", "turn_starter"):
        world.world.person(action)
        world.run(4)
    world.car.drive(world.trace.part(0, DRIVE_S), world.loop_home())
    drive_begin, watch = billed(), Stopwatch()
    world.run(DRIVE_S)
    factor = DRIVE_S / watch.read()
    driven = billed() - drive_begin
    world.wait(lambda: not world.car.is_driving, 1800, "the drive is over")
    for action in ("ignition_off", "put_key_back", "get_out"):
        world.world.person(action)
        world.run(4)
    for _ in range(
        3
    ):  # away from its place the first tap is a stopover; a session ends after three all the same
        world.tap(world.alice.uid)
        world.run(6)
    world.run(300)
    return billed() - begin - driven, driven, factor


def main() -> None:
    """Print the figures."""
    with story_world() as world:
        billed = world.box.network.billed_bytes
        world.run(120)

        begin = billed()
        world.run(PARKED_S)
        parked = (billed() - begin) / PARKED_S
        tell(f"parked: {parked * 86400:.0f} bytes a day")

        begin = billed()
        for number in range(RESERVATIONS_MEASURED):
            start = world.now + (2 + number) * 86400
            reservation = world.book(world.bob, start, start + 3600)
            world.wait(lambda r=reservation: world.car_knows(world.bob, r), 60, "the car knows")
        reservation_bytes = (billed() - begin) / RESERVATIONS_MEASURED
        tell(f"a reservation: {reservation_bytes:.0f} bytes")

        begin, opened = billed(), world.box.network.connections_opened
        world.world.set_network(False)
        world.run(60)
        world.world.set_network(True)
        world.wait(lambda: world.box.network.connections_opened > opened, 1800, "the box connects again")
        world.run(60)
        world.wait(world.is_linked, 300, "the link is back")
        connection = billed() - begin
        tell(f"a new connection: {connection} bytes")

        session, driven, factor = measure_drive(world)
        tell(
            f"a session: {session} bytes, {driven} bytes in {DRIVE_S} s of driving, {factor:.0f} times real "
            f"time"
        )

    month = (
        parked * 86400 * DAYS
        + reservation_bytes * RESERVATIONS
        + connection * DAYS
        + (session + driven * 3600 / DRIVE_S) * DRIVING_HOURS
    )
    figures = {
        "bytes_per_month": round(month),
        "virtual_time_factor": round(factor, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
