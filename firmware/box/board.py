"""The pins and buses of the board, exactly as `hardware/pinout.csv` has them; a test holds this table to the
file.

Nothing here decides anything. `machine` is imported late, so that the table can be read under CPython.
"""

# signal: (gpio, direction, pull, idle level or None)
PINS = {
    "gnss_tx": (0, "out", "up", 1),
    "light": (2, "out", "down", 0),
    "can_int": (4, "in", "up", 1),
    "reader_cs": (5, "out", "up", 1),
    "buzzer": (12, "out", "down", 0),
    "gnss_rx": (13, "in", "up", 1),
    "key_holder": (14, "in", "up", 1),
    "can_cs": (15, "out", "up", 1),
    "spi_sck": (18, "out", "none", 0),
    "spi_miso": (19, "in", "none", 0),
    "i2c_sda": (21, "inout", "up", 1),
    "i2c_scl": (22, "inout", "up", 1),
    "spi_mosi": (23, "out", "none", 0),
    "relay_allow": (25, "out", "down", 0),
    "relay_inhibit": (26, "out", "down", 0),
    "door_unlock": (27, "out", "down", 0),
    "door_lock": (32, "out", "down", 0),
    "accelerometer_int": (33, "in", "down", 0),
    "relay_contact": (34, "in", "up", 1),
    "battery_sense": (35, "in", "none", None),
    "kl15": (36, "in", "down", 0),
    "doors": (39, "in", "up", 1),
}

SPI_ID = 2
SPI_BAUD = (
    4_000_000  # MFRC522 bears 10 MHz and MCP2515 10 MHz; 4 MHz leaves room for the leads to the windscreen
)
I2C_ID = 0
I2C_FREQ = 400_000
UART_ID = 2
UART_BAUD = 9600
UART_RX_BYTES = 1024  # a second of the receiver at 9600 baud is 960 bytes
ACCELEROMETER_ADDRESS = 0x19
CLOCK_CHIP_ADDRESS = 0x52
BATTERY_DIVIDER = 11  # R1 100 k over R2 10 k

_INPUT_ONLY = 34  # pins from here on have no pull of their own: the board's resistor is outside


def pin(signal):
    """Return the machine.Pin of a signal, outputs at their idle level from the first moment."""
    from machine import Pin

    gpio, direction, pull, idle = PINS[signal]
    if direction == "out":
        return Pin(gpio, Pin.OUT, value=idle)
    if gpio >= _INPUT_ONLY or pull == "none":
        return Pin(gpio, Pin.IN)
    return Pin(gpio, Pin.IN, Pin.PULL_UP if pull == "up" else Pin.PULL_DOWN)


def spi():
    """Return the bus of the card reader and of the CAN controller: mode 0, 4 MHz."""
    from machine import SPI

    return SPI(
        SPI_ID,
        baudrate=SPI_BAUD,
        polarity=0,
        phase=0,
        sck=_bare("spi_sck"),
        mosi=_bare("spi_mosi"),
        miso=_bare("spi_miso"),
    )


def i2c():
    """Return the bus of the accelerometer and of the clock chip, 400 kHz."""
    from machine import I2C

    return I2C(I2C_ID, scl=_bare("i2c_scl"), sda=_bare("i2c_sda"), freq=I2C_FREQ)


def gnss_uart():
    """Return the satellite receiver's serial port, 9600 baud 8N1, never blocking."""
    from machine import UART

    return UART(
        UART_ID,
        baudrate=UART_BAUD,
        tx=PINS["gnss_tx"][0],
        rx=PINS["gnss_rx"][0],
        rxbuf=UART_RX_BYTES,
        timeout=0,
    )


def battery_adc():
    """Return the ADC channel that senses 12 V through the divider of 1/11."""
    from machine import ADC

    return ADC(_bare("battery_sense"), atten=ADC.ATTN_11DB)


def buzzer():
    """Return the silent PWM channel of the buzzer."""
    from machine import PWM

    return PWM(_bare("buzzer"), freq=2000, duty_u16=0)


def wlan():
    """Return the Wi-Fi station."""
    import network

    return network.WLAN(network.WLAN.IF_STA)


def _bare(signal):
    from machine import Pin

    return Pin(PINS[signal][0])
