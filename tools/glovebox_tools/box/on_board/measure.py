# mypy: ignore-errors
# Runs on the box: how long do the things take that the simulator models? Medians, in microseconds.
import json
import time

from box import board

ROUNDS = 15


def median(function, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        begin = time.ticks_us()
        function()
        times.append(time.ticks_diff(time.ticks_us(), begin))
    return sorted(times)[rounds // 2]


def measure_buses(told):
    select = board.pin("reader_cs")
    board.pin("can_cs")
    spi = board.spi()
    three = bytearray(3)

    def transfer():
        spi.write_readinto(three, three)

    told["pin_us"] = median(lambda: select.value(1))
    wire_us = len(three) * 8 * 1000000 // board.SPI_BAUD
    told["spi_overhead_us"] = max(0, median(transfer) - wire_us)
    i2c = board.i2c()
    wire_us = 4 * 9 * 1000000 // board.I2C_FREQ  # address, register, address, byte
    told["i2c_overhead_us"] = max(
        0, median(lambda: i2c.readfrom_mem(board.CLOCK_CHIP_ADDRESS, 0, 1)) - wire_us
    )
    told["adc_us"] = median(board.battery_adc().read_uv)


def measure_flash(told):
    import esp32

    running = esp32.Partition(esp32.Partition.RUNNING).info()[4]
    slots = [p for p in esp32.Partition.find(esp32.Partition.TYPE_APP) if p.info()[4] != running]
    if not slots:
        return  # a board without a second slot has no place to try on
    slot = slots[0]
    last = slot.ioctl(4, 0) - 1
    page = bytearray(256)
    offset = [0]

    def program():
        slot.writeblocks(last, page, offset[0])
        offset[0] += 256

    told["flash_erase_sector_us"] = median(lambda: slot.ioctl(6, last), 5)
    told["flash_program_page_us"] = median(program)
    told["flash_read_overhead_us"] = median(lambda: slot.readblocks(last, memoryview(page)[:1], 0))
    slot.ioctl(6, last)


def measure_wifi(told):
    import network

    station = network.WLAN(network.STA_IF)
    station.active(False)
    told["wifi_start_us"] = median(lambda: station.active(True), 1)
    told["wifi_scan_us"] = median(station.scan, 1)


told = {}
for _function in (measure_buses, measure_flash, measure_wifi):
    try:
        _function(told)
    except (OSError, ValueError, AttributeError):
        pass  # what this board cannot tell stays modelled
print("glovebox-answer " + json.dumps(told))
