"""Every codec of the box on mutated real messages and on noise, the same under either Python.

A codec gives values or its own named error, and what it refuses changes nothing. Takes the folder of the
vectors and how many cases a codec; prints `OK <cases> <digest of all outcomes>`.
"""

import json
import struct
import sys
from binascii import crc32

from box.access.session import Session
from box.drivers.mfrc522 import MFRC522
from box.link.time_request import TimeError, check_answer
from box.protocols import authorisation, isotp, nmea, obd, records, websocket, wire
from box.protocols.crypto import Hmac
from box.protocols.isotp_sender import Sender
from box.storage import identity, sector
from chips.iso14443_card import Card
from chips.mfrc522 import Mfrc522
from support_chip_bench import Clock, SelectPin, Spi

CASES = 2_000
NOISE_BYTES = 80
BOX = bytes(range(8))
KEY = Hmac(bytes(range(32)))
NONCE = bytes(range(8))
CHAIN = records.Chain(KEY, BOX, 1, 1)
PURPOSES = ("wire", "time", "badge", "journal", "authorisations")


def unhex(text):
    return bytes(int(text[i : i + 2], 16) for i in range(0, len(text), 2))


class Dice:
    """Marsaglia's xorshift32: the same numbers under both."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF or 1

    def below(self, limit):
        x = self.state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self.state = x
        return x % limit

    def noise(self, most=NOISE_BYTES):
        return bytes(self.below(256) for _ in range(self.below(most + 1)))

    def mutate(self, seeds):
        """Noise, or one of the seeds with one to four changes."""
        if self.below(8) == 0:
            return self.noise()
        data = bytearray(seeds[self.below(len(seeds))])
        for _ in range(1 + self.below(4)):
            at = self.below(len(data) + 1)
            change = self.below(6)
            if change == 0 and at < len(data):
                data[at] ^= 1 << self.below(8)
            elif change == 1 and at < len(data):
                data[at] = (0, 1, 0x7F, 0x80, 0xFF, self.below(256))[self.below(6)]
            elif change == 2:
                data = data[:at]
            elif change == 3:
                data = data[:at] + self.noise(6) + data[at:]
            elif change == 4:
                data = data[:at] + data[at + 1 + self.below(8) :]
            else:
                other = seeds[self.below(len(seeds))]
                data = data[:at] + other[self.below(len(other) + 1) :]
        return bytes(data)


# --- one function a codec: takes bytes, returns its outcome; raises where the codec does what it must not ---


def try_envelope(dice, data):
    """Bytes of anyone: never more than an error, and the request is as it was."""
    asked = wire.Requests()
    asked.remember(2000, NONCE)
    try:
        wire.decode_down(data, KEY, BOX, 1, asked)
    except wire.WireError as error:
        assert asked.find(2000)[2] == -1
        return type(error).__name__
    raise AssertionError("an envelope without a MAC was taken")


def try_body(dice, data):
    """A body under a right MAC."""
    asked = wire.Requests()
    asked.remember(1, NONCE)
    head = struct.pack("<BB8sBIH8sH", 0x44, 1, BOX, 1, 1, 0, NONCE, len(data)) + data
    try:
        fields = wire.decode_down(head + KEY.digest(head, NONCE)[:16], KEY, BOX, 1, asked)
    except wire.WireError as error:
        assert asked.find(1)[2] == -1
        return type(error).__name__
    assert asked.find(1)[2] == 0
    for field in fields:
        if field[0] == wire.PAGE:
            assert authorisation.is_ascending(field[4])
            assert len(field[4]) % 24 == 0
        elif field[0] == wire.DELTA:
            assert len(field[3]) % 25 == 0
        elif field[0] == wire.SETTINGS:
            assert len(field[1]["places"]) <= 24
    return len(fields)


def try_sentence(dice, data):
    """A line: taken, or counted as rejected and no fix of it. Half of them have a right checksum."""
    if dice.below(2) and data[:1] == b"$":
        body = data[1:].split(b"*")[0].replace(b"\n", b"").replace(b"\r", b"")
        data = b"$" + body + b"*%02X" % nmea.checksum(body)
    line = data.replace(b"\n", b"")
    try:
        nmea.parse_sentence(line)
        outcome = "taken"
    except nmea.NmeaError as error:
        outcome = str(error)
    parser = nmea.Parser()
    fixes = parser.feed(line + b"\r\n")
    if b"$" in line and outcome != "taken":
        assert (parser.accepted, parser.rejected) == (0, 1), (line, outcome)
        assert fixes == []
        assert parser.pause() is None
    return outcome


def try_frames(dice, data):
    """Frames of a bus in pieces of the message: messages within bounds, errors by name, nothing left open."""
    errors = []
    receiver = isotp.Receiver(on_error=errors.append)
    sender = Sender(0x7E0)
    sender.send(bytes(1 + dice.below(200)))
    now_ms = lengths = 0
    while data:
        size = dice.below(10)
        frame, data = data[:size], data[size or 1 :]
        now_ms += (1, 10, 900, 1200)[dice.below(4)]
        message = receiver.on_frame(
            (0x7E8, 0x7E9, 0x18DAF110)[dice.below(3)], frame, now_ms, dice.below(2) == 1
        )
        if message is not None:
            assert 1 <= len(message) <= isotp.MAX_MESSAGE_BYTES
            lengths += len(message)
        receiver.next_frame()
        sender.on_frame(frame, now_ms)
        sender.next_frame(now_ms)
    receiver.step(now_ms + 1001)
    assert not receiver.is_busy
    for error in errors:
        assert isinstance(error, isotp.IsoTpError)
    assert sender.error is None or isinstance(sender.error, isotp.IsoTpError)
    return lengths, [type(error).__name__ for error in errors]


def try_obd(dice, data):
    try:
        return len(obd.parse_answer(data))
    except obd.ObdError as error:
        return type(error).__name__


def try_record(dice, data):
    """A slot that is no record has no sequence; no change passes the chain."""
    assert not CHAIN.verify(records.FIRST_MAC, data)
    try:
        found = records.unpack_slot(data)
    except records.RecordError:
        assert len(data) != 64 or records.get_sequence(data) is None
        return "none"
    try:
        return found[0], len(records.unpack(found[0], found[5]))
    except records.RecordError:
        return found[0]


def try_sector(dice, data):
    """The marks and headers of a ring's sector: values or None."""
    slot = (data + bytes(64))[:64]
    header = sector.unpack_header(slot, 1 + dice.below(2))
    marks = [sector.unpack_mark(slot, offset) for offset in range(0, 64, 16)] if sector.is_marks(slot) else []
    return header is None, len(marks)


def try_session(dice, data):
    """What is none leaves a parked car; what is one is kept as it came."""
    session = Session()
    if not session.restore(data):
        assert session.pack() == Session().pack()
        return "none"
    again = Session()
    assert again.restore(session.pack())
    return session.state


def try_identity(dice, data):
    """Its outcome is not told: MicroPython's JSON has another order, and takes more."""
    try:
        values = identity.decode(data)
    except identity.IdentityError:
        return None
    for name in ("key_id", "cloud_port", "time_port", "epoch"):
        assert isinstance(values[name], int), name
    identity.encode(values)
    return None


def try_time(dice, data):
    try:
        check_answer(data, KEY, BOX, NONCE, 0)
    except TimeError:
        return "none"
    raise AssertionError("a time without a MAC was taken")


def try_frames_of_the_web(dice, data):
    decoder = websocket.Decoder()
    try:
        events = decoder.feed(data[: dice.below(40)]) + decoder.feed(data)
        return len(events)
    except websocket.WebSocketError as error:
        return error.close_code


def try_head(dice, data):
    try:
        return websocket.parse_head(data)[0]
    except websocket.WebSocketError:
        return "none"


class MadCard(Card):
    """Answers now and then what no card would."""

    def __init__(self, uid, dice):
        Card.__init__(self, uid)
        self._dice = dice

    def hear(self, bits):
        answer = Card.hear(self, bits)
        change = self._dice.below(4)
        if answer is None or change:
            return answer
        answer = list(answer)
        if self._dice.below(2):
            answer[self._dice.below(len(answer))] ^= 1
            return answer
        return [self._dice.below(2) for _ in range(self._dice.below(100))]


def try_card(dice, data):
    """A card gone mad: no card, or one with a UID of a size that there is; the reader goes on after it."""
    clock = Clock()
    chip = Mfrc522(0x92, False)
    clock.chips.append(chip)
    chip.power_on(clock.now_us)
    clock.sleep_ms(10)
    chip.present(MadCard((data + bytes(10))[: (4, 7, 10)[dice.below(3)]], dice), clock.now_us)
    reader = MFRC522(Spi(clock, chip), SelectPin(clock, chip), clock.sleep_us)
    reader.probe()
    cards = reader.read_cards()
    for uid, sak in cards:
        assert len(uid) in (4, 7, 10)
        assert 0 <= sak <= 255
    return len(cards), reader.unreadable


def make_seeds(folder):
    """`(function, real messages, divisor of the cases)` for each codec."""

    def load(name):
        with open(folder + "/" + name) as file:
            return json.load(file)

    vectors = load("wire.json")
    down = [unhex(case["bytes"]) for case in vectors["down"]]
    slots = [unhex(row["slot"]) for chain in vectors["chains"] for row in chain["records"]]
    blanks = [bytes(64), b"\xff" * 64]
    sentences = []
    for case in load("nmea.json")["cases"]:
        sentences += [line.strip() for line in unhex(case["bytes"]).split(b"\n") if line.startswith(b"$")]
    frames = [
        b"".join(unhex(frame[1]) for frame in case["frames"][:12]) for case in load("isotp.json")["receivers"]
    ]
    answers = load("obd.json")
    session = Session()
    parked = session.pack()
    session.begin(5, (bytes(8), 7, 100, 200, 1, 0, 4), 1, 150)
    values = {
        "box_id": BOX,
        "key_id": 1,
        "keys": {purpose: bytes(32) for purpose in PURPOSES},
        "cloud_host": "localhost",
        "cloud_port": 1,
        "time_port": 2,
        "ca_der": bytes(20),
        "wifi": [("depot", "secret")],
        "epoch": 65536,
    }
    hello = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
    return (
        (try_envelope, down, 1),
        (try_body, [data[27:-16] for data in down], 1),
        (try_sentence, sentences, 1),
        (try_frames, frames, 1),
        (try_obd, [unhex(case["message"]) for case in answers["good"] + answers["bad"]], 1),
        (try_record, slots, 1),
        (try_sector, slots + blanks, 1),
        (try_session, [bytes(parked), bytes(session.pack())], 1),
        (try_identity, [identity.encode(values)], 1),
        (try_time, [unhex(case["answer"]) for case in vectors["time"]["good"]], 1),
        (try_frames_of_the_web, [b"\x82\x05hello", b"\x82\x7e\x01\x00" + bytes(256), b"\x88\x02\x03\xe8"], 1),
        (try_head, [hello], 1),
        (try_card, [bytes(10)], 10),  # a whole chip each
    )


def run(folder, cases):
    """Everything; returns `(how much, digest)`."""
    total = digest = 0
    for number, (attempt, seeds, divisor) in enumerate(make_seeds(folder)):
        dice = Dice(0x9E3779B9 + number)
        for at in range(cases // divisor):
            data = dice.mutate(seeds)
            try:
                outcome = attempt(dice, data)
            except Exception:
                print(attempt.__name__, "case", at, repr(data))
                raise
            digest = crc32(repr(outcome).encode(), digest)
            total += 1
    return total, digest


if __name__ == "__main__":
    count, digest = run(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else CASES)
    print(f"OK {count} {digest:08x}")
