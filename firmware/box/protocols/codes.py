"""Numbers that firmware and cloud share: `tests/vectors/codes.json`, which a test holds this file to.

A name here is the group and the name there in capitals. Values go on the wire and onto flash, so one is
never given a new meaning: a new one is added to `codes.json` first.
"""

from micropython import const

# State of the box, durable.
STATE_PARKED = const(0)
STATE_ASKING = const(1)
STATE_OPEN = const(2)
STATE_DRIVING = const(3)
STATE_STOPOVER = const(4)
STATE_ENDING = const(5)

# Bit numbers of STATE `modes` and of record `mode`.
MODE_BIT_GARAGE = const(0)
MODE_BIT_CARRIED = const(1)
MODE_BIT_DOZING = const(2)
MODE_BIT_SAFE = const(3)

# Kind of an authorisation.
AUTHORISATION_KIND_RESERVATION = const(1)
AUTHORISATION_KIND_STANDING = const(2)
AUTHORISATION_KIND_SERVICE = const(3)

# What the relay interrupts; a setting of the vehicle.
INTERLOCK_KIND_NONE = const(0)
INTERLOCK_KIND_STARTER_WIRE = const(1)
INTERLOCK_KIND_START_BUTTON = const(2)
INTERLOCK_KIND_FOB_SUPPLY = const(3)

# Why something was refused: record `refused`, VERDICT, COMMAND_RESULT.
REFUSAL_UNKNOWN_BADGE = const(1)
REFUSAL_TOO_EARLY = const(2)
REFUSAL_TOO_LATE = const(3)
REFUSAL_ANOTHER_CAR = const(4)
REFUSAL_HELD_BY_ANOTHER = const(5)
REFUSAL_REVOKED = const(6)
REFUSAL_YIELDS_TO_RESERVATION = const(7)
REFUSAL_RIGHTS_LAPSED = const(8)
REFUSAL_CLOCK_UNKNOWN = const(9)
REFUSAL_DOOR_OPEN = const(10)
REFUSAL_KEY_MISSING = const(11)
REFUSAL_IGNITION_ON = const(12)
REFUSAL_SEVERAL_BADGES = const(13)
REFUSAL_RANDOM_UID = const(14)
REFUSAL_JOURNAL_FULL = const(15)
REFUSAL_EXPIRED = const(16)
REFUSAL_NOT_PARKED = const(17)
REFUSAL_NO_PROOF_OF_STANDSTILL = const(18)
REFUSAL_BATTERY_LOW = const(19)
REFUSAL_DRIVING = const(20)
REFUSAL_NOT_FITTED = const(21)

# Why a session ended: record `session_end`.
END_REASON_BADGE = const(1)
END_REASON_TAKEN_OVER = const(2)
END_REASON_FORGOTTEN = const(3)
END_REASON_COMMAND = const(4)
END_REASON_NOT_BEGUN = const(5)

# Bit numbers of the flags of records `session_end` and `ending`.
END_FLAG_BIT_DOOR_OPEN = const(0)
END_FLAG_BIT_KEY_MISSING = const(1)
END_FLAG_BIT_PLACE_UNCONFIRMED = const(2)
END_FLAG_BIT_DRIVEN_OFF = const(3)
END_FLAG_BIT_TIME_UNSURE = const(4)

# Who asked for the relay: record `relay`.
RELAY_SOURCE_SESSION = const(1)
RELAY_SOURCE_PARKED = const(2)
RELAY_SOURCE_SHOCK = const(3)
RELAY_SOURCE_COMMAND = const(4)
RELAY_SOURCE_SERVICE = const(5)
RELAY_SOURCE_SELF_TEST = const(6)

# What became of it: record `relay`.
RELAY_OUTCOME_DONE = const(0)
RELAY_OUTCOME_ALREADY = const(1)
RELAY_OUTCOME_VETOED_MOTION = const(2)
RELAY_OUTCOME_VETOED_IGNITION = const(3)
RELAY_OUTCOME_NO_PROOF = const(4)
RELAY_OUTCOME_BATTERY_LOW = const(5)
RELAY_OUTCOME_CONTACT_DISAGREES = const(6)
RELAY_OUTCOME_NOT_FITTED = const(7)
RELAY_OUTCOME_CONTRADICTION = const(8)

# Kind of a command.
COMMAND_OPEN_FOR = const(1)
COMMAND_LOCK = const(2)
COMMAND_END_SESSION = const(3)
COMMAND_FLASH_LIGHTS = const(4)
COMMAND_SELF_TEST = const(5)
COMMAND_REFRESH = const(6)
COMMAND_GARAGE = const(7)
COMMAND_TRACK = const(8)

# Faults: field FAULTS, records `fault_set`, `fault_cleared`.
FAULT_READER_STUCK = const(1)
FAULT_CAN_MISSING = const(2)
FAULT_CAN_SILENT = const(3)
FAULT_GNSS_SILENT = const(4)
FAULT_ACCELEROMETER_MISSING = const(5)
FAULT_CLOCK_CHIP_MISSING = const(6)
FAULT_RELAY_CONTACT_DISAGREES = const(7)
FAULT_PARKED_NOT_INHIBITED = const(8)
FAULT_RING_FILLING = const(9)
FAULT_RING_FULL = const(10)
FAULT_BATTERY_LOW = const(11)
FAULT_CERTIFICATE_REFUSED = const(12)
FAULT_SNAPSHOT_DAMAGED = const(13)
FAULT_FLASH_DAMAGED = const(14)
FAULT_CLOCK_UNKNOWN = const(15)
FAULT_DOOR_LEFT_OPEN = const(16)
FAULT_TASK_HUNG = const(17)
FAULT_AUTHORISATIONS_DAMAGED = const(18)
FAULT_ENGINE_WARNING = const(19)
FAULT_WIFI_MISSING = const(20)
FAULT_SAFE_MODE = const(21)

# Counters: field COUNTERS, record `counters`.
COUNTER_ENVELOPE_REFUSED = const(1)
COUNTER_NMEA_REJECTED = const(2)
COUNTER_CAN_OVERRUN = const(3)
COUNTER_ISOTP_ABORTED = const(4)
COUNTER_UNKNOWN_BADGE = const(5)
COUNTER_CARD_UNREADABLE = const(6)
COUNTER_LINK_LOST = const(7)
COUNTER_SNAPSHOT_REJECTED = const(8)
COUNTER_RECORD_REJECTED = const(9)
COUNTER_OBD_REJECTED = const(10)

# How the program ended: record `crash`.
CRASH_CAUSE_ERROR = const(1)
CRASH_CAUSE_TASK_HUNG = const(2)
CRASH_CAUSE_STOOD_STILL = const(3)

# Why the processor started: HELLO, record `boot`.
RESET_CAUSE_POWER_ON = const(1)
RESET_CAUSE_HARD = const(2)
RESET_CAUSE_WATCHDOG = const(3)
RESET_CAUSE_DEEP_SLEEP = const(4)
RESET_CAUSE_SOFT = const(5)

# How far the present is believed.
TRUST_NONE = const(0)
TRUST_KEPT = const(1)
TRUST_GNSS = const(2)
TRUST_CLOUD = const(3)

# The two rings.
RING_VITAL = const(1)
RING_TELEMETRY = const(2)

# What the relay's feedback contact says; also what is wanted of the relay (1, 2).
CONTACT_UNKNOWN = const(0)
CONTACT_ALLOW = const(1)
CONTACT_INHIBIT = const(2)

# What the evidence says about motion: record `relay`.
MOTION_UNKNOWN = const(0)
MOTION_STILL = const(1)
MOTION_MOVING = const(2)

# How a session started: record `session_start`.
VIA_BADGE = const(1)
VIA_COMMAND = const(2)
VIA_TAKEOVER = const(3)

# Where a trip's distance is from.
DISTANCE_SOURCE_UNKNOWN = const(0)
DISTANCE_SOURCE_ODOMETER = const(1)
DISTANCE_SOURCE_WHEEL_SPEED = const(2)
DISTANCE_SOURCE_GNSS = const(3)

# Where a trip's fuel is from.
FUEL_SOURCE_UNKNOWN = const(0)
FUEL_SOURCE_LEVEL = const(1)
FUEL_SOURCE_RATE = const(2)

# Why the alarm was raised: record `alarm`.
ALARM_CAUSE_MOTION = const(1)
ALARM_CAUSE_IGNITION = const(2)

# What became of a command.
COMMAND_RESULT_DONE = const(0)
COMMAND_RESULT_REFUSED = const(1)
COMMAND_RESULT_EXPIRED = const(2)
COMMAND_RESULT_UNKNOWN = const(3)

# What the cloud lets the box do between heartbeats.
PACE_MODE_READY = const(0)
PACE_MODE_DOZING = const(1)

# Bit numbers of STATE `inputs` and `known`.
INPUT_BIT_IGNITION = const(0)
INPUT_BIT_DOOR_OPEN = const(1)
INPUT_BIT_KEY_IN_HOLDER = const(2)
INPUT_BIT_CONTACT_INHIBIT = const(3)
INPUT_BIT_STILL = const(4)
INPUT_BIT_LOCKED = const(5)

# Kinds of records: below 32 in ring vital, from 32 in ring telemetry.
RECORD_BOOT = const(1)
RECORD_SESSION_START = const(2)
RECORD_SESSION_END = const(3)
RECORD_STOPOVER = const(4)
RECORD_RESUMED = const(5)
RECORD_ENDING = const(6)
RECORD_END_TAKEN_BACK = const(7)
RECORD_REFUSED = const(8)
RECORD_RELAY = const(9)
RECORD_FAULT_SET = const(10)
RECORD_FAULT_CLEARED = const(11)
RECORD_COMMAND = const(12)
RECORD_MODE = const(13)
RECORD_ALARM = const(14)
RECORD_BADGE_IGNORED = const(15)
RECORD_DRIVING = const(16)
RECORD_OPENED = const(17)
RECORD_SERVICE = const(18)
RECORD_BAG = const(19)
RECORD_CRASH = const(20)
RECORD_HEALTH = const(32)
RECORD_CODES = const(33)
RECORD_COUNTERS = const(34)
RECORD_DROPPED = const(63)
