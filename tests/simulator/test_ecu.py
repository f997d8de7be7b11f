"""The car's control units, heard through python-can and can-isotp and decoded by the standard's formulas."""

import can
import isotp
import pytest
from glovebox_sim.car import Car
from glovebox_sim.car_powertrain import ELECTRIC_CAR
from glovebox_sim.ecu import CarNetwork
from glovebox_sim.ecu_services import ELECTRIC_PIDS, Services, bitmap
from glovebox_sim.ecu_transport import SteppedIsoTp
from hypothesis import given
from hypothesis import strategies as st
from support_sim_world import Clockwork


class DiagnosticTester:
    """A diagnostic tester: can-isotp's own stack with the real timers replaced by the test's clock."""

    def __init__(
        self, clockwork: Clockwork, channel: str, request: int, response: int, **params: object
    ) -> None:
        self.clockwork = clockwork
        self.bus = can.Bus(interface="virtual", channel=channel)
        self.answers: list[bytes] = []
        self.frames: list[can.Message] = []
        extended = request > 0x7FF
        mode = isotp.AddressingMode.Normal_29bits if extended else isotp.AddressingMode.Normal_11bits
        self.stack = SteppedIsoTp(
            clockwork,
            lambda i, d, e: self.bus.send(can.Message(arbitration_id=i, data=d, is_extended_id=e)),
            isotp.Address(mode, txid=request, rxid=response),
            self.answers.append,
            params,
        )

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.001)):
            self.clockwork.run_for(0.001)
            while (message := self.bus.recv(timeout=0)) is not None:
                self.frames.append(message)
                self.stack.feed(message)

    def ask(self, payload: str, seconds: float = 0.2) -> list[str]:
        self.answers.clear()
        self.stack.answer(bytes.fromhex(payload))
        self.run(seconds)
        return [answer.hex().upper() for answer in self.answers]


@pytest.fixture
def clockwork():
    return Clockwork()


@pytest.fixture
def car():
    made = Car()
    made.locked = False
    made.get_in()
    made.take_key()
    made.ignition_on()
    made.turn_starter()
    made.step(60)
    return made


@pytest.fixture
def network(clockwork, car, request):
    made = CarNetwork(clockwork, f"test-{request.node.name}", car, frames_per_s=0)
    made.step()
    yield made
    made.close()


@pytest.fixture
def tester(clockwork, network):
    made = DiagnosticTester(clockwork, network.channel, 0x7E0, 0x7E8)
    yield made
    made.bus.shutdown()


def test_speed_engine_speed_fuel_and_odometer_decode_by_the_standards_formulas(tester, car):
    (answer,) = tester.ask("010C0D2F31A65E")
    data = bytes.fromhex(answer)
    assert data[0] == 0x41
    values, i = {}, 1
    for pid, size in ((0x0C, 2), (0x0D, 1), (0x2F, 1), (0x31, 2), (0xA6, 4), (0x5E, 2)):
        assert data[i] == pid
        values[pid] = int.from_bytes(data[i + 1 : i + 1 + size], "big")
        i += 1 + size
    assert i == len(data)
    assert values[0x0C] / 4 == pytest.approx(800)
    assert values[0x0D] == 0
    assert values[0x2F] * 100 / 255 == pytest.approx(car.fuel_percent, abs=0.3)
    assert values[0xA6] / 10 == pytest.approx(car.odometer_m / 1000, abs=0.1)
    assert values[0x5E] / 20 == pytest.approx(0.65, abs=0.026)


def test_the_bitmaps_name_exactly_the_pids_that_answer(tester):
    named = set()
    base = 0
    while True:
        (answer,) = tester.ask(f"01{base:02X}")
        bits = int(answer[4:], 16)
        named |= {base + 32 - i for i in range(32) if bits >> i & 1}
        if not bits & 1:
            break
        base += 32
    for pid in range(1, 256):
        (answer,) = tester.ask(f"01{pid:02X}", 0.05)
        assert (answer[:2] == "41") == (pid in named), hex(pid)


def test_a_vin_comes_in_several_frames_and_whole(tester, network):
    (answer,) = tester.ask("0902")
    assert bytes.fromhex(answer) == b"\x49\x02\x01" + network.vin.encode()
    assert len(network.vin) == 17
    assert [m.data[0] >> 4 for m in tester.frames] == [1, 2, 2]


@pytest.mark.parametrize(("block", "st_min_ms"), [(1, 0), (2, 20), (0, 5), (8, 127)])
def test_flow_control_is_obeyed_in_simulation_time(clockwork, network, block, st_min_ms):
    tester = DiagnosticTester(clockwork, network.channel, 0x7E0, 0x7E8, blocksize=block, stmin=st_min_ms)
    network.engine.services.dids[0x1234] = lambda _car: bytes(60)
    begun = clockwork.now
    tester.stack.answer(bytes.fromhex("221234"))
    while not tester.answers:
        tester.run(0.001)
        assert clockwork.now - begun < 5
    assert len(tester.answers[0]) == 63
    consecutive = len(tester.frames) - 1
    if block == 0:
        assert clockwork.now - begun >= (consecutive - 1) * st_min_ms / 1000
    tester.bus.shutdown()


def test_a_unit_gives_up_when_flow_control_never_comes_and_answers_again(clockwork, network):
    bus = can.Bus(interface="virtual", channel=network.channel)
    ask = can.Message(arbitration_id=0x7E0, data=bytes.fromhex("0209020000000000"), is_extended_id=False)
    bus.send(ask)
    clockwork.run_for(0.9)
    assert network.engine.errors == {}
    clockwork.run_for(0.3)
    assert network.engine.errors == {"FlowControlTimeoutError": 1}
    bus.send(ask)
    clockwork.run_for(0.1)
    firsts = [m for m in iter(lambda: bus.recv(timeout=0), None) if m.data[0] >> 4 == 1]
    assert len(firsts) == 2
    bus.shutdown()


def test_a_functional_request_is_answered_by_each_unit_from_its_own_id(clockwork, network):
    bus = can.Bus(interface="virtual", channel=network.channel)
    bus.send(can.Message(arbitration_id=0x7DF, data=bytes.fromhex("02010D0000000000"), is_extended_id=False))
    clockwork.run_for(0.1)
    answers = {m.arbitration_id: m.data[:4].hex() for m in iter(lambda: bus.recv(timeout=0), None)}
    assert answers == {0x7E8: "03410d00", 0x7E9: "03410d00"}
    bus.shutdown()


def test_what_is_not_supported_is_silence_functionally_and_a_refusal_physically(clockwork, network, tester):
    tester.bus.send(
        can.Message(arbitration_id=0x7DF, data=bytes.fromhex("02019D0000000000"), is_extended_id=False)
    )
    tester.run(0.1)
    assert tester.frames == []
    assert tester.ask("019D") == ["7F0112"]
    assert tester.ask("1003") == ["7F1011"]
    assert tester.ask("220001") == ["7F2231"]
    assert tester.ask("01") == ["7F0113"]


def test_trouble_codes_and_the_lamp_go_together(tester, car):
    assert tester.ask("03") == ["4300"]
    car.dtcs += [0x0301, 0x0420, 0xC100]
    assert tester.ask("03") == ["430303010420C100"]
    (status,) = tester.ask("0101")
    assert int(status[4:6], 16) == 0x83
    assert tester.ask("07") == ["4700"]


def test_response_pending_repeats_until_the_answer(tester, network):
    network.engine.pending_s[0x03] = 4.5
    assert tester.ask("03", 6) == ["7F0378", "7F0378", "7F0378", "4300"]


def test_a_busy_unit_says_so_and_answers_the_next_time(tester, network):
    network.engine.busy[0x01] = 1
    assert tester.ask("010D") == ["7F0121"]
    assert tester.ask("010D") == ["410D00"]


def test_a_sleeping_car_is_silent_and_counts_who_knocks(clockwork, network, car):
    car.ignition_off()
    network.step()
    clockwork.run_for(1)
    network.step()
    bus = can.Bus(interface="virtual", channel=network.channel)
    bus.send(can.Message(arbitration_id=0x7DF, data=bytes.fromhex("02010D0000000000"), is_extended_id=False))
    clockwork.run_for(1)
    assert bus.recv(timeout=0) is None
    assert network.frames_while_asleep == 1
    bus.shutdown()


@pytest.mark.parametrize("rate", [50, 1600])
def test_broadcast_frames_come_at_the_rate_asked_one_at_a_time(clockwork, car, rate):
    network = CarNetwork(clockwork, f"rate-{rate}", car, frames_per_s=rate)
    bus = can.Bus(interface="virtual", channel=network.channel)
    network.step()
    clockwork.run_for(2)
    frames = list(iter(lambda: bus.recv(timeout=0), None))
    assert len(frames) == pytest.approx(2 * rate, abs=2)
    assert len({m.arbitration_id for m in frames}) == 8
    assert all(sum(m.data[:-1]) & 0xFF == m.data[-1] for m in frames)
    assert not any(m.arbitration_id >= 0x700 for m in frames)
    network.close()
    bus.shutdown()


def test_a_car_with_long_identifiers_answers_them_and_only_them(clockwork, car):
    network = CarNetwork(clockwork, "extended", car, frames_per_s=0, extended=True)
    network.step()
    long = DiagnosticTester(clockwork, "extended", 0x18DA10F1, 0x18DAF110)
    short = DiagnosticTester(clockwork, "extended", 0x7E0, 0x7E8)
    assert long.ask("010D") == ["410D00"]
    assert short.ask("010D") == []
    for end in (network, long.bus, short.bus):
        end.close() if end is network else end.shutdown()


def test_an_electric_car_has_charge_and_no_engine_speed(clockwork):
    services = Services(Car(ELECTRIC_CAR), ELECTRIC_PIDS)
    assert services.answer(bytes.fromhex("010C"), True) is None
    assert services.answer(bytes.fromhex("015B"), True) == bytes([0x41, 0x5B, round(62 * 2.55)])
    assert services.answer(bytes.fromhex("012F"), True) is None


def test_the_dashboard_gives_the_odometer_by_identifier(clockwork, network, car):
    tester = DiagnosticTester(clockwork, network.channel, 0x743, 0x763)
    (answer,) = tester.ask("220207")
    assert answer[:6] == "620207"
    assert int(answer[6:], 16) == int(car.odometer_m / 1000)
    tester.bus.shutdown()


def test_each_unit_remembers_what_it_was_asked(tester, network):
    tester.ask("010D")
    tester.ask("0902")
    asked = [(i, payload.hex()) for _, i, payload in network.engine.requests]
    assert asked == [(0x7E0, "010d"), (0x7E0, "0902")]


@given(st.lists(st.tuples(st.integers(0, 0x7FF), st.binary(max_size=8)), max_size=30))
def test_no_frame_whatsoever_upsets_the_units(frames):
    clockwork = Clockwork()
    car = Car()
    car.kl15 = True
    network = CarNetwork(clockwork, "any", car, frames_per_s=0)
    network.step()
    bus = can.Bus(interface="virtual", channel="any")
    for arbitration_id, data in frames:
        bus.send(can.Message(arbitration_id=arbitration_id, data=data, is_extended_id=False))
        clockwork.run_for(0.01)
    clockwork.run_for(2)
    while bus.recv(timeout=0) is not None:
        pass
    bus.send(can.Message(arbitration_id=0x7DF, data=bytes.fromhex("02010D0000000000"), is_extended_id=False))
    clockwork.run_for(0.1)
    ids = {m.arbitration_id for m in iter(lambda: bus.recv(timeout=0), None)}
    assert {0x7E8, 0x7E9} <= ids
    network.close()
    bus.shutdown()


@given(st.binary(max_size=20), st.booleans())
def test_every_request_gets_an_answer_a_refusal_or_silence(request, functional):
    answer = Services(Car(), {}, vin="VF1GLOVEBOX000001").answer(request, functional)
    if answer is not None:
        assert answer[0] in (0x7F, request[0] + 0x40)


def test_a_bitmap_sets_the_bit_of_each_pid_and_the_one_for_more():
    assert bitmap({0x01: 0, 0x0D: 0, 0x20: 0}, 0).hex() == "80080001"
    assert bitmap({0x01: 0, 0x42: 0}, 0).hex() == "80000001"
    assert bitmap({0x42: 0}, 0x40).hex() == "40000000"
