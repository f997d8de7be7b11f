"""The numbers of the wire by name, as tests/vectors/codes.json has them (a test compares)."""

from typing import Final

STATE: Final = ("parked", "asking", "open", "driving", "stopover", "ending")
MODE_BIT: Final = ("garage", "carried", "dozing", "safe")
AUTHORISATION_KIND: Final = {"reservation": 1, "standing": 2, "service": 3}
INTERLOCK_KIND: Final = {"none": 0, "starter_wire": 1, "start_button": 2, "fob_supply": 3}
REFUSAL: Final = {
    "unknown_badge": 1,
    "too_early": 2,
    "too_late": 3,
    "another_car": 4,
    "held_by_another": 5,
    "revoked": 6,
    "yields_to_reservation": 7,
    "rights_lapsed": 8,
    "clock_unknown": 9,
    "door_open": 10,
    "key_missing": 11,
    "ignition_on": 12,
    "several_badges": 13,
    "random_uid": 14,
    "journal_full": 15,
    "expired": 16,
    "not_parked": 17,
    "no_proof_of_standstill": 18,
    "battery_low": 19,
    "driving": 20,
    "not_fitted": 21,
}
END_REASON: Final = {"badge": 1, "taken_over": 2, "forgotten": 3, "command": 4, "not_begun": 5}
END_FLAG_BIT: Final = ("door_open", "key_missing", "place_unconfirmed", "driven_off", "time_unsure")
RELAY_SOURCE: Final = {"session": 1, "parked": 2, "shock": 3, "command": 4, "service": 5, "self_test": 6}
RELAY_OUTCOME: Final = {
    "done": 0,
    "already": 1,
    "vetoed_motion": 2,
    "vetoed_ignition": 3,
    "no_proof": 4,
    "battery_low": 5,
    "contact_disagrees": 6,
    "not_fitted": 7,
    "contradiction": 8,
}
COMMAND: Final = {
    "open_for": 1,
    "lock": 2,
    "end_session": 3,
    "flash_lights": 4,
    "self_test": 5,
    "refresh": 6,
    "garage": 7,
    "track": 8,
}
FAULT: Final = {
    "reader_stuck": 1,
    "can_missing": 2,
    "can_silent": 3,
    "gnss_silent": 4,
    "accelerometer_missing": 5,
    "clock_chip_missing": 6,
    "relay_contact_disagrees": 7,
    "parked_not_inhibited": 8,
    "ring_filling": 9,
    "ring_full": 10,
    "battery_low": 11,
    "certificate_refused": 12,
    "snapshot_damaged": 13,
    "flash_damaged": 14,
    "clock_unknown": 15,
    "door_left_open": 16,
    "task_hung": 17,
    "authorisations_damaged": 18,
    "engine_warning": 19,
    "wifi_missing": 20,
    "safe_mode": 21,
}
COUNTER: Final = {
    "envelope_refused": 1,
    "nmea_rejected": 2,
    "can_overrun": 3,
    "isotp_aborted": 4,
    "unknown_badge": 5,
    "card_unreadable": 6,
    "link_lost": 7,
    "snapshot_rejected": 8,
    "record_rejected": 9,
    "obd_rejected": 10,
}
CRASH_CAUSE: Final = {"error": 1, "task_hung": 2, "stood_still": 3}
RESET_CAUSE: Final = {"power_on": 1, "hard": 2, "watchdog": 3, "deep_sleep": 4, "soft": 5}
TRUST: Final = {"none": 0, "kept": 1, "gnss": 2, "cloud": 3}
CONTACT: Final = {"unknown": 0, "allow": 1, "inhibit": 2}
MOTION: Final = {"unknown": 0, "still": 1, "moving": 2}
VIA: Final = {"badge": 1, "command": 2, "takeover": 3}
DISTANCE_SOURCE: Final = {"unknown": 0, "odometer": 1, "wheel_speed": 2, "gnss": 3}
FUEL_SOURCE: Final = {"unknown": 0, "level": 1, "rate": 2}
ALARM_CAUSE: Final = {"motion": 1, "ignition": 2}
COMMAND_RESULT: Final = {"done": 0, "refused": 1, "expired": 2, "unknown": 3}
INPUT_BIT: Final = ("ignition", "door_open", "key_in_holder", "contact_inhibit", "still", "locked")
RECORD: Final = {
    "boot": 1,
    "session_start": 2,
    "session_end": 3,
    "stopover": 4,
    "resumed": 5,
    "ending": 6,
    "end_taken_back": 7,
    "refused": 8,
    "relay": 9,
    "fault_set": 10,
    "fault_cleared": 11,
    "command": 12,
    "mode": 13,
    "alarm": 14,
    "badge_ignored": 15,
    "driving": 16,
    "opened": 17,
    "service": 18,
    "bag": 19,
    "crash": 20,
    "health": 32,
    "codes": 33,
    "counters": 34,
    "dropped": 63,
}


def name_of(table: dict[str, int], code: int) -> str:
    """The name of a code; `code_<n>` for one this cloud does not know yet."""
    for name, number in table.items():
        if number == code:
            return name
    return f"code_{code}"


def names_of_bits(bits: int, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the bits that are set."""
    return tuple(name for bit, name in enumerate(names) if bits >> bit & 1)
