"""S5: what may leave on the car's bus, by sending everything else."""

import itertools

import pytest
from box.drivers import can_gate
from box.drivers.can_gate import ALLOWED, BARRED, CLEAN_FRAMES, LISTENING, MAX_TEC, POLLING, CanGate
from box.drivers.mcp2515 import FLAG_EXT_ID, LISTEN_ONLY, ONE_SHOT, CanError
from hypothesis import given
from hypothesis import strategies as st

UNITS = (0x7E8, 0x7EA)
PHYSICAL = (0x7E0, 0x7E2)


class Controller:
    """A CAN controller that records what it is told, and refuses to send when it only listens."""

    def __init__(self):
        self.frames = []
        self.sent = []
        self.tec = 0
        self.message_errors = 0
        self.overruns = 0
        self.bit_rates = []
        self._mode = LISTEN_ONLY

    def mode(self, mode=None):
        if mode is not None:
            self._mode = mode
        return self._mode

    def set_filters(self, standard=None, extended=None):
        self.filters = (standard, extended)

    def set_bitrate(self, bit_rate):
        self.bit_rates.append(bit_rate)

    def recv(self):
        return self.frames.pop(0) if self.frames else None

    def send(self, arbitration_id, data, extended=False):
        if self._mode == LISTEN_ONLY:
            raise CanError("listening only")
        self.sent.append((arbitration_id, bytes(data), extended))

    def abort(self):
        pass

    def read_error_counters(self):
        return self.tec, 0


def make(state=LISTENING, units=UNITS):
    controller = Controller()
    gate = CanGate(controller, lambda: 0, lambda a, b: a - b)
    gate.update(True)
    if state != LISTENING:
        hear(gate, controller, CLEAN_FRAMES)
        gate.update(True)
        for unit in units:
            gate.note_unit(unit)
    if state == BARRED:
        controller.frames = [(0x7DF, bytes(8), 0)]
        gate.receive()
    assert gate.state == state
    return controller, gate


def hear(gate, controller, count, arbitration_id=0x123):
    for _ in range(count):
        controller.frames.append((arbitration_id, bytes(8), 0))
        gate.receive()


def frame(*head):
    return bytes(head) + bytes(8 - len(head))


def allowed_frames():
    return [frame(1, service) if pid is None else frame(2, service, pid) for service, pid in ALLOWED]


def offer(gate, controller, arbitration_id, data, extended):
    """Whether the frame came out."""
    before = len(controller.sent)
    answer = gate.send(arbitration_id, data, extended)
    assert answer == (len(controller.sent) > before)
    return answer


def test_every_11_bit_id_with_every_allowed_request():
    controller, gate = make(POLLING)
    passed = {
        arbitration_id
        for arbitration_id, data in itertools.product(range(0x800), allowed_frames())
        if offer(gate, controller, arbitration_id, data, False)
    }
    assert passed == {0x7DF, *PHYSICAL}


def test_every_service_and_pid_under_every_id_that_may_be_asked():
    controller, gate = make(POLLING)
    for arbitration_id in (0x7DF, *PHYSICAL):
        passed = set()
        for service, pid in itertools.product(range(256), range(256)):
            if offer(gate, controller, arbitration_id, frame(2, service, pid), False):
                passed.add((service, pid))
        assert passed == {row for row in ALLOWED if row[1] is not None}
        passed = {
            service
            for service in range(256)
            if offer(gate, controller, arbitration_id, frame(1, service), False)
        }
        assert passed == {0x03}


def test_every_first_byte_and_every_length():
    controller, gate = make(POLLING)
    for first in range(256):
        if first not in (1, 2):
            for data in (frame(first, 1, 0x0D), frame(first, 3), frame(first)):
                assert not offer(gate, controller, 0x7DF, data, False)
    for length in (0, 1, 2, 3, 7):
        assert not offer(gate, controller, 0x7DF, frame(2, 1, 0x0D)[:length], False)
    for at in range(3, 8):
        hidden = bytearray(frame(2, 1, 0x0D))
        hidden[at] = 1
        assert not offer(gate, controller, 0x7DF, bytes(hidden), False)


def test_every_29_bit_id_of_diagnostics_with_every_allowed_request():
    controller, gate = make(POLLING, units=(0x18DAF110, 0x18DAF1DA))
    passed = set()
    for base, byte in itertools.product((0x18DA00F1, 0x18DB00F1), range(256)):
        for data in allowed_frames():
            if offer(gate, controller, base | byte << 8, data, True):
                passed.add(base | byte << 8)
    assert passed == {0x18DB33F1, 0x18DA10F1, 0x18DADAF1}


@given(st.integers(0, 0x1FFFFFFF), st.binary(max_size=8), st.booleans())
def test_any_other_frame_stays_inside(arbitration_id, data, extended):
    controller, gate = make(POLLING)
    may = data in allowed_frames() and (
        arbitration_id == 0x18DB33F1 if extended else arbitration_id in (0x7DF, *PHYSICAL)
    )
    assert offer(gate, controller, arbitration_id, data, extended) == may


@pytest.mark.parametrize("state", [LISTENING, BARRED])
def test_nothing_leaves_in_any_other_state(state):
    controller, gate = make(state)
    gate.units = list(UNITS)
    gate.awaited = list(UNITS)
    for arbitration_id, data in itertools.product(range(0x800), [*allowed_frames(), frame(0x30, 0, 10)]):
        assert not offer(gate, controller, arbitration_id, data, False)
        assert not gate.may_send(arbitration_id, data, False)  # by rule, not only because the chip listens
    assert not offer(gate, controller, 0x18DB33F1, frame(2, 1, 0), True)
    assert controller.mode() == LISTEN_ONLY


def test_an_id_of_the_other_length_stays_inside():
    controller, gate = make(POLLING)
    for arbitration_id in (0x7DF, *PHYSICAL):
        assert not offer(gate, controller, arbitration_id, frame(2, 1, 0x0D), True)
    assert not offer(gate, controller, 0x18DB33F1, frame(2, 1, 0x0D), False)


def test_the_units_of_one_ignition_are_forgotten_at_the_next():
    controller, gate = make(POLLING)
    gate.update(False)
    gate.update(True)
    hear(gate, controller, CLEAN_FRAMES)
    gate.update(True)
    assert gate.state == POLLING
    assert not offer(gate, controller, PHYSICAL[0], frame(2, 1, 0x0D), False)


def test_the_first_reason_for_silence_is_kept():
    controller, gate = make(POLLING)
    EVENTS["errors"](gate, controller)
    hear(gate, controller, 1, 0x7DF)
    assert gate.barred_by == "errors"


def test_flow_control_goes_to_the_unit_with_an_open_first_frame_and_to_no_other_id():
    controller, gate = make(POLLING)
    go_on = frame(0x30, 0, 10)
    assert not any(offer(gate, controller, arbitration_id, go_on, False) for arbitration_id in range(0x800))
    gate.awaited = [0x7EA]
    passed = [identifier for identifier in range(0x800) if offer(gate, controller, identifier, go_on, False)]
    assert passed == [0x7E2]
    for data in (frame(0x31), frame(0x32), frame(0x30, 0, 10, 1), go_on[:3]):
        assert not offer(gate, controller, 0x7E2, data, False)
    gate.awaited = [0x18DAF110]
    assert offer(gate, controller, 0x18DA10F1, go_on, True)
    assert not offer(gate, controller, 0x18DB33F1, go_on, True)
    gate.awaited = [0x763]  # a unit that has no physical id by the standard
    assert not any(offer(gate, controller, arbitration_id, go_on, False) for arbitration_id in range(0x800))


def test_a_unit_that_never_answered_is_not_asked_by_itself():
    controller, gate = make(POLLING, units=())
    for arbitration_id in range(0x7E0, 0x7E8):
        assert not offer(gate, controller, arbitration_id, frame(2, 1, 0x0D), False)
    assert offer(gate, controller, 0x7DF, frame(2, 1, 0x0D), False)


def test_no_service_that_writes_or_resets_is_allowed():
    assert {service for service, _ in ALLOWED} == {0x01, 0x03, 0x09}


# The table of the docstring: state, what happens, state.
EVENTS = {
    "ignition off": lambda gate, controller: gate.update(False),
    "too few frames": lambda gate, controller: (hear(gate, controller, CLEAN_FRAMES - 1), gate.update(True)),
    "clean frames": lambda gate, controller: (hear(gate, controller, CLEAN_FRAMES), gate.update(True)),
    "tester": lambda gate, controller: (hear(gate, controller, 1, 0x7E0), gate.update(True)),
    "errors": lambda gate, controller: (
        setattr(controller, "tec", MAX_TEC + 1),
        gate.send(0x7DF, frame(2, 1, 0), False),
        gate.update(True),
    ),
    "few errors": lambda gate, controller: (
        setattr(controller, "tec", MAX_TEC),
        gate.send(0x7DF, frame(2, 1, 0), False),
        gate.update(True),
    ),
    "reset": lambda gate, controller: (controller.mode(LISTEN_ONLY), gate.update(True)),
}
TABLE = {
    (LISTENING, "ignition off"): LISTENING,
    (LISTENING, "too few frames"): LISTENING,
    (LISTENING, "clean frames"): POLLING,
    (LISTENING, "tester"): BARRED,
    (LISTENING, "errors"): LISTENING,
    (LISTENING, "few errors"): LISTENING,
    (LISTENING, "reset"): LISTENING,
    (POLLING, "ignition off"): LISTENING,
    (POLLING, "too few frames"): POLLING,
    (POLLING, "clean frames"): POLLING,
    (POLLING, "tester"): BARRED,
    (POLLING, "errors"): BARRED,
    (POLLING, "few errors"): POLLING,
    (POLLING, "reset"): LISTENING,
    (BARRED, "ignition off"): LISTENING,
    (BARRED, "too few frames"): BARRED,
    (BARRED, "clean frames"): BARRED,
    (BARRED, "tester"): BARRED,
    (BARRED, "errors"): BARRED,
    (BARRED, "few errors"): BARRED,
    (BARRED, "reset"): BARRED,
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", [LISTENING, POLLING, BARRED])
def test_the_state_after_each_event(state, event):
    controller, gate = make(state)
    EVENTS[event](gate, controller)
    assert gate.state == TABLE[state, event]
    assert controller.mode() == (ONE_SHOT if gate.state == POLLING else LISTEN_ONLY)


def test_the_table_names_every_state_and_event():
    assert set(TABLE) == set(itertools.product((LISTENING, POLLING, BARRED), EVENTS))


def test_an_error_on_the_bus_begins_the_count_anew():
    controller, gate = make()
    hear(gate, controller, CLEAN_FRAMES - 1)
    controller.message_errors += 1
    gate.update(True)
    hear(gate, controller, CLEAN_FRAMES - 1)
    gate.update(True)
    assert gate.state == LISTENING
    hear(gate, controller, 1)
    gate.update(True)
    assert gate.state == POLLING


def test_frames_heard_with_the_ignition_off_do_not_count():
    controller = Controller()
    gate = CanGate(controller, lambda: 0, lambda a, b: a - b)
    gate.update(False)
    hear(gate, controller, 2 * CLEAN_FRAMES)
    gate.update(True)
    assert gate.state == LISTENING


def test_request_ids_of_11_bits_are_the_functional_and_eight_physical_ones():
    told = {
        arbitration_id for arbitration_id in range(0x800) if can_gate.is_request_id(arbitration_id, False)
    }
    assert told == {0x7DF, *range(0x7E0, 0x7E8)}


def test_a_tester_is_heard_through_the_filters_that_polling_sets():
    controller, _ = make(POLLING)
    (first, second, mask), (extended_id, extended_mask) = controller.filters
    for arbitration_id in (0x7DF, *range(0x7E0, 0x7F0)):
        assert arbitration_id & mask in (first & mask, second & mask)
    for arbitration_id in (0x18DB33F1, *(0x18DA00F1 | unit << 8 for unit in range(256))):
        assert arbitration_id & extended_mask == extended_id & extended_mask


def test_an_answer_of_29_bits_is_no_tester():
    controller, gate = make(POLLING)
    controller.frames.append((0x18DAF110, bytes(8), FLAG_EXT_ID))
    assert gate.receive() == (0x18DAF110, bytes(8), True)
    assert gate.state == POLLING
