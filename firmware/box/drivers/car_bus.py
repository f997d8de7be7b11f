"""What the car says about itself: OBD-II polling over CAN, within the rules of `can_gate` (S5).

One request at a time. After the ignition comes on and the gate opens, the units are asked which PIDs they
support (11-bit ids first, then 29-bit); then `PLAN` is polled, each PID at one unit that supports it; VIN
and trouble codes once per ignition. `step` never waits: it takes what has come, and sends at most one
frame.

Values keep their last reading and, where motion depends on them, the ticks of it: speed and rpm become None
when the ignition goes off. An unanswered request changes nothing: 0 km/h and no answer are different
things.
"""

from micropython import const

from ..protocols import isotp, obd
from .can_gate import BARRED, POLLING, CanGate
from .car_values import CarValues
from .mcp2515 import CanError

# PID of service 01 and how often, in ms. Whoever is most overdue goes first; of equals, whoever stands first.
PLAN = (
    (0x0D, 200),
    (0x0C, 200),
    (0x5E, 1_000),
    (0xA6, 5_000),
    (0x2F, 10_000),
    (0x5B, 10_000),
    (0x31, 10_000),
    (0x01, 60_000),
)

_MOTION_ROWS = const(2)
_ANSWER_MS = const(150)  # P2 is 50 ms on CAN; the rest is our own steps and a bus under load
_COLLECT_MS = const(120)  # for all units to answer a functional request: 50 ms, and our own steps
_PENDING_MS = const(5_000)  # P2*: "response pending"
_MAX_PENDING = const(3)
_MAX_TRIES = const(3)
_BUSY_MS = const(500)
_RETRY_MS = const(5_000)  # between rounds of looking for units that did not answer
_LOST_ROUNDS = const(20)  # unanswered requests in a row: the units are looked for anew
_VERIFY_MS = const(1_000)  # a chip that lost its supply for a moment is silent, which nothing else would show
_FRAMES_PER_STEP = const(16)
_REST_MS = const(50)
# 10 ms between the frames of a long answer: the controller has two buffers, and a step may take 20 ms.
_ST_MIN_CODE = const(10)
_MAX_ANSWER_BYTES = const(260)  # 127 codes


class _Request:
    """The one request under way. `unit`: the id its answer comes under, None if any unit may answer."""

    def __init__(self, service, pid, unit, extended, now_ms):
        self.service = service
        self.pid = pid
        self.unit = unit
        self.extended = extended
        self.sent_at_ms = now_ms
        self.wait_ms = _ANSWER_MS if unit is not None else _COLLECT_MS
        self.pending = 0
        self.is_sent = False
        self.answers = []


class CarBus(CarValues):
    """`can` in the shape of `drivers.mcp2515.MCP2515`, already probed. Call `step` each 5 to 20 ms, or
    when `get_rest_ms` is over.

    Counters: `overruns`, `aborted` (long answers that failed), `unanswered`, `invalid`, `lost` (requests that
    did not get through).
    """

    def __init__(self, can, ticks_ms=None, ticks_diff=None):
        super().__init__(ticks_ms, ticks_diff)
        self._gate = CanGate(can, self._ticks_ms, self._ticks_diff)
        self._receiver = isotp.Receiver(
            on_error=self._on_transfer_error,
            get_flow_control_id=self._get_flow_control_id,
            st_min=_ST_MIN_CODE,
            max_bytes=_MAX_ANSWER_BYTES,
            ticks_diff=self._ticks_diff,
        )
        self._kl15_on = False
        self._overruns_seen = 0
        self._verified_at_ms = self._ticks_ms()
        self.aborted = 0
        self.unanswered = 0
        self.lost = 0
        self.invalid = 0
        self._begin()

    @property
    def state(self):
        """`can_gate.LISTENING`, `POLLING` or `BARRED`."""
        return self._gate.state

    @property
    def barred_by(self):
        """Why nothing is sent until the next ignition: "tester", "errors" or None."""
        return self._gate.barred_by

    @property
    def last_frame_at_ms(self):
        """Ticks of the last frame heard, None before the first."""
        return self._gate.last_frame_at_ms

    @property
    def is_transferring(self):
        """A long answer is on its way: nothing slow may begin now."""
        return self._receiver.is_busy

    @property
    def overruns(self):
        """Diagnostic frames lost because the controller's buffers were full."""
        return self._gate.overruns

    @property
    def refused(self):
        """Frames that the gate did not let out. Always 0, or there is a fault in the program."""
        return self._gate.refused

    def get_rest_ms(self):
        """How long `step` may be left out because nothing is due: 0 while something is awaited or heard,
        else at most `_REST_MS`, in which a foreign tester goes unnoticed.
        """
        if self._gate.state == BARRED:
            return _REST_MS
        if self._gate.state != POLLING or self._request is not None or self._outgoing is not None:
            return 0
        if self._once or self._search_base is not None:
            return 0
        now_ms = self._ticks_ms()
        rest_ms = _REST_MS
        for pid, _ in PLAN:
            if not self._supported.get_units(pid):
                continue
            if pid not in self._asked:
                return 0
            asked_ms, wait_ms = self._asked[pid]
            rest_ms = min(rest_ms, wait_ms - self._ticks_diff(now_ms, asked_ms))
        return max(rest_ms, 0)

    def recover(self):
        """Reset the chip and listen anew, after a CanError of `step`. Raises CanError if it stays dead."""
        self._gate.recover()
        self._begin()

    def step(self, kl15_on):
        """Take what has come and send at most one frame; never waits. Raises CanError if the chip is gone."""
        now_ms = self._ticks_ms()
        if self._ticks_diff(now_ms, self._verified_at_ms) >= _VERIFY_MS:
            self._verified_at_ms = now_ms
            if not self._gate.verify():
                raise CanError("settings lost")
        if kl15_on != self._kl15_on:
            self._kl15_on = kl15_on
            self._begin()
        self._gate.update(kl15_on)
        for _ in range(_FRAMES_PER_STEP):
            frame = self._gate.receive()
            if frame is None:
                break
            self._on_frame(frame, now_ms)
        if self._gate.state != POLLING:
            if self._request is not None:
                self._begin()
            return
        if self._gate.overruns != self._overruns_seen:
            # What was lost may be the middle of an answer: it is asked for again.
            self._overruns_seen = self._gate.overruns
            if self._receiver.is_busy:
                self._receiver.abort()
                self.aborted += 1
        self._receiver.step(now_ms)
        if self._outgoing is None:
            self._outgoing = self._receiver.next_frame()
        if self._outgoing is not None:
            self._send_flow_control(self._outgoing)
        elif self._request is None:
            self._send_next(now_ms)
        else:
            self._wait_on(self._request, now_ms)

    # --- what comes in ---

    def _begin(self):
        """Forget what belongs to one ignition."""
        self._receiver.abort()
        self._request = None
        self._outgoing = None
        self._supported = obd.SupportedPids()
        self._search_base = 0
        self._search_tries = 0
        self._is_extended = False
        self._resting_since_ms = None
        self._silent_rounds = 0
        self._asked = {}  # PID -> (ticks, ms after which it is due again)
        self._once = [(0x09, 0x02), (0x03, None)]
        self._once_tries = 0
        self._codes = []
        self.forget_motion()

    def _get_flow_control_id(self, arbitration_id, extended):
        """Only for an answer to the request under way."""
        if not self._is_awaited(arbitration_id, extended):
            return None
        return isotp.get_physical_id(arbitration_id, extended)

    def _is_awaited(self, arbitration_id, extended):
        request = self._request
        if request is None or request.extended != extended:
            return False
        if request.unit is not None:
            return arbitration_id == request.unit
        return isotp.get_physical_id(arbitration_id, extended) is not None

    def _on_frame(self, frame, now_ms):
        arbitration_id, data, extended = frame
        if not self._is_awaited(arbitration_id, extended):
            return  # an answer that came too late, or to somebody else
        message = self._receiver.on_frame(arbitration_id, data, now_ms, extended)
        if message is not None and self._request is not None:
            self._on_message(self._request, arbitration_id, message, now_ms)

    def _on_message(self, request, unit, message, now_ms):
        try:
            values = obd.parse_answer(message)
        except obd.NegativeAnswer as refusal:
            if refusal.service == request.service:
                self._on_refusal(request, unit, refusal, now_ms)
            return
        except obd.ObdError:
            self.invalid += 1
            return
        if (request.service, request.pid) != values[0][:2]:
            return  # to the request before
        self._silent_rounds = 0
        request.answers.append(unit)
        if request.unit is None:
            self._gate.note_unit(unit)
        for _, pid, name, value in values:
            self._take(unit, pid, name, value, now_ms)
        if request.unit is not None:
            self._finish(request)

    def _on_refusal(self, request, unit, refusal, now_ms):
        if refusal.is_pending:
            request.pending += 1
            if request.pending <= _MAX_PENDING:
                request.sent_at_ms = now_ms
                request.wait_ms = _PENDING_MS
            return
        request.answers.append(unit)
        if refusal.is_unsupported and request.service == obd.CURRENT_DATA:
            self._supported.forget(unit, request.pid)
        if request.unit is not None:
            if refusal.is_busy:
                self._asked[request.pid] = (now_ms, _BUSY_MS)
                self._request = None
            else:
                self._finish(request)

    def _take(self, unit, pid, name, value, now_ms):
        if name == "supported":
            self._supported.note(unit, pid, value)
        elif name == "codes":
            self._codes.extend([code for code in value if code not in self._codes])
        elif name != "hybrid_battery_percent" or not self._supported.get_units(0x2F):
            self.take(name, value, now_ms)  # the battery is an electric car's tank, but not a hybrid's

    def _on_transfer_error(self, error):
        if not isinstance(error, isotp.UnexpectedConsecutiveError):
            self.aborted += 1

    # --- what goes out ---

    def _send_flow_control(self, outgoing):
        arbitration_id, data, extended = outgoing
        units = [unit for unit in self._gate.units if self._receiver.is_receiving(unit)]
        if self._request is not None and self._request.unit is None:
            units.extend(self._receiver.senders)
        self._gate.awaited = units
        if self._gate.may_send(arbitration_id, data, extended):
            if self._gate.send(arbitration_id, data, extended):
                self._outgoing = None
        else:
            self._outgoing = None  # its transfer has ended in the meantime
        self._gate.awaited = []

    def _send_next(self, now_ms):
        if self._resting_since_ms is not None:
            if self._ticks_diff(now_ms, self._resting_since_ms) < _RETRY_MS:
                return
            self._resting_since_ms = None
        if self._search_base is not None:
            self._ask(obd.CURRENT_DATA, self._search_base, None, now_ms)
        elif self._poll(PLAN[:_MOTION_ROWS], now_ms):
            pass  # speed and engine are never kept waiting by what is only wanted once
        elif self._once:
            service, pid = self._once[0]
            self._codes = []
            units = self._gate.units
            self._ask(service, pid, units[0] if pid is not None and units else None, now_ms)
        else:
            self._poll(PLAN, now_ms)

    def _poll(self, plan, now_ms):
        """Ask for the most overdue of `plan`; whether there was one."""
        best = None
        for pid, period_ms in plan:
            units = self._supported.get_units(pid)
            if not units:
                continue
            late_ms = period_ms
            if pid in self._asked:
                asked_ms, wait_ms = self._asked[pid]
                late_ms = self._ticks_diff(now_ms, asked_ms) - wait_ms
            # Relative to the period: a slow one that waits does not hold back the fast ones.
            if late_ms >= 0 and (best is None or late_ms * best[2] > best[3] * period_ms):
                best = (pid, units[0], period_ms, late_ms)
        if best is not None:
            self._asked[best[0]] = (now_ms, best[2])
            self._ask(obd.CURRENT_DATA, best[0], best[1], now_ms)
        return best is not None

    def _ask(self, service, pid, unit, now_ms):
        if unit is not None:
            target = isotp.get_physical_id(unit, self._is_extended)
        else:
            target = isotp.FUNCTIONAL_ID_EXTENDED if self._is_extended else isotp.FUNCTIONAL_ID
        frame = isotp.build_single_frame(obd.build_request(service, pid))
        self._request = _Request(service, pid, unit, self._is_extended, now_ms)
        if not self._gate.send(target, frame, self._is_extended):
            self._request = None

    def _wait_on(self, request, now_ms):
        waited_ms = self._ticks_diff(now_ms, request.sent_at_ms)
        if not request.is_sent:
            sent = self._gate.read_sent()
            if sent:
                request.is_sent = True
            elif sent is False or waited_ms > _ANSWER_MS:
                # Lost arbitration, or nobody there to acknowledge: one-shot means that we decide about
                # another try.
                # It says nothing about the unit; and if it goes on for the second reason the gate closes.
                self._gate.abort()
                self._request = None
                self.lost += 1
                if request.pid in self._asked:
                    self._asked[request.pid] = (now_ms, 0)
                return
        if waited_ms > request.wait_ms and not self._receiver.is_busy:
            if request.unit is None and request.answers:
                self._finish(request)
            else:
                self._on_unanswered(request, now_ms)

    def _on_unanswered(self, request, now_ms):
        self._request = None
        self.unanswered += 1
        self._silent_rounds += 1
        if self._search_base is not None:
            self._search_tries += 1
            if self._search_base and self._search_tries >= _MAX_TRIES:
                self._search_base = None  # the units answered before: what they said so far is what there is
            elif self._search_tries >= _MAX_TRIES:
                self._search_tries = 0
                self._is_extended = not self._is_extended
                self._resting_since_ms = None if self._is_extended else now_ms
        elif self._once and (request.service, request.pid) == self._once[0]:
            self._once_tries += 1
            if self._once_tries >= _MAX_TRIES:
                self._drop_once()
        elif self._silent_rounds >= _LOST_ROUNDS:
            self._silent_rounds = 0
            self._search_base = 0
            self._search_tries = 0
            self._supported = obd.SupportedPids()
        else:
            self._asked[request.pid] = (now_ms, 0)  # at once again

    def _finish(self, request):
        """The request was answered."""
        self._request = None
        if self._search_base is not None:
            self._search_tries = 0
            following = self._search_base + 0x20
            has_more = following <= 0xA0 and self._supported.get_units(following)
            self._search_base = following if has_more else None
        elif self._once and (request.service, request.pid) == self._once[0]:
            if request.service == obd.STORED_CODES:
                self.take_codes(self._codes)
            self._drop_once()

    def _drop_once(self):
        self._once.pop(0)
        self._once_tries = 0
