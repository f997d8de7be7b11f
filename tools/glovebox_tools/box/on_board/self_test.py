# mypy: ignore-errors
# Runs on the box: ask every part through the firmware's own drivers. Moves nothing.
#
# One answer a check: {"check": name, "ok": true, false or null (told, not judged), ...}. VALUES: {"gnss_s":
# seconds}.
import json
import time

from box import board


def answer(check, ok, **more):
    more["check"] = check
    more["ok"] = ok
    print("glovebox-answer " + json.dumps(more))


def run(check, function):
    try:
        function(check)
    except (OSError, ValueError, AttributeError) as error:
        answer(check, False, error=f"{type(error).__name__}: {error}")


# Chip selects idle high before any transfer: two chips share the bus.
cs_reader = board.pin("reader_cs")
cs_can = board.pin("can_cs")
spi = board.spi()
i2c = board.i2c()


def reader(check):
    from box.drivers.mfrc522 import MFRC522

    chip = MFRC522(spi, cs_reader)
    version = chip.probe()
    cards = chip.read_cards()
    chip.stop_field()
    answer(check, True, version=f"{version:02X}", cards=len(cards))


def accelerometer(check):
    from box.drivers.lis2dh12 import LIS2DH12

    chip = LIS2DH12(i2c, board.ACCELEROMETER_ADDRESS)
    chip.configure()
    time.sleep_ms(250)  # 10 samples a second
    x, y, z = chip.read_mg()
    length = int((x * x + y * y + z * z) ** 0.5)
    answer(check, 800 <= length <= 1200, mg=length)


def clock(check):
    from box.drivers.rv3028 import RV3028

    chip = RV3028(i2c, board.CLOCK_CHIP_ADDRESS)
    answer(check, True, time_s=chip.read_s())


def can(check):
    from box.drivers.mcp2515 import MCP2515

    MCP2515(spi, cs_can, board.pin("can_int")).probe()
    answer(check, True)


def relay(check):
    from box.drivers.relay import Relay

    contact = Relay(
        board.pin("relay_allow"), board.pin("relay_inhibit"), board.pin("relay_contact")
    ).read_contact()
    answer(check, None, contact=contact)


def gnss(check):
    from box.drivers.gnss import Gnss

    receiver = Gnss(board.gnss_uart())
    end = time.ticks_add(time.ticks_ms(), VALUES["gnss_s"] * 1000)  # noqa: F821 (the tool sets it)
    fix = None
    while time.ticks_diff(end, time.ticks_ms()) > 0 and receiver.accepted < 4:
        fix = receiver.poll() or fix
        time.sleep_ms(100)
    answer(
        check,
        receiver.accepted > 0,
        accepted=receiver.accepted,
        rejected=receiver.rejected,
        fix=bool(fix and fix.valid),
    )


def battery(check):
    from box.drivers.battery import Battery

    millivolts = Battery(board.battery_adc(), board.BATTERY_DIVIDER).read_mv()
    answer(check, 9000 <= millivolts <= 15500, mv=millivolts)


def inputs(check):
    from box.drivers.inputs import Inputs

    pins = Inputs(board.pin("kl15"), board.pin("doors"), board.pin("key_holder"))
    pins.update(time.ticks_ms())
    answer(check, None, kl15=pins.kl15_on, door=pins.door_open, key_there=pins.key_in_holder)


def wifi(check):
    import network

    station = network.WLAN(network.STA_IF)
    station.active(True)
    found = station.scan()
    strongest = max([row[3] for row in found]) if found else None
    answer(check, len(found) > 0, networks=len(found), rssi=strongest)


for _name, _function in (
    ("reader", reader),
    ("accelerometer", accelerometer),
    ("clock", clock),
    ("can", can),
    ("relay", relay),
    ("gnss", gnss),
    ("battery", battery),
    ("inputs", inputs),
    ("wifi", wifi),
):
    run(_name, _function)
