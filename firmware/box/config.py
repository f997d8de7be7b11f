"""Constants with their reasons, and the settings the cloud may change, with their defaults."""

from micropython import const

FIRMWARE_VERSION = "0.1.0"

# --- S2, S3: proof of standstill ---
IGNITION_OFF_MS = const(60_000)  # KL15 off this long before inhibit, unless the session's badge was just read
IGNITION_OFF_BADGE_MS = const(3_000)  # ... then this long
PROOF_MAX_AGE_MS = const(2_000)  # a proof older than this is none
STILL_FOR_MS = const(10_000)  # the accelerometer, or the fixes, must have been still this long
SLOW_KMH = const(3)  # a valid fix at or below this counts as standing: receivers show 0-2 km/h at rest
PULSE_MIN_MV = const(9_000)  # S7: below this a pulse may leave the relay's contact half-way
RELAY_TRIES = const(3)  # S4

# --- the reader ---
READER_POLL_MS = const(100)
READER_DOZE_POLL_MS = const(700)  # S7: slower, and still within a second and the 0.8 s a badge is held for
CARD_ABSENT_MS = const(1_000)  # a card away this long and held again is a new tap
TAKE_BACK_MS = const(3_000)  # nor is it a new tap this soon after the last effect
ASK_MS = const(8_000)  # a driver waits this long for the cloud, then hears the refusal
INSIST_MS = const(60_000)  # a third tap within this ends all the same
INSIST_TAPS = const(3)
KL15_OFF_TAKEOVER_MS = const(120_000)
BAG_S = const(900)  # the forgotten bag
PLACE_TRAVEL_M = const(500)  # the last fix names the place while no more than this was driven since
OPEN_FOR_S = const(60)  # a remote opening without a start in this time is parked again

# --- S7: battery steps, each with hysteresis; (falls below, rises above) in mV of a resting 12 V lead battery
# ---
BATTERY_WARN_MV = (11_900, 12_200)  # about a quarter charged: warn, never refuse
BATTERY_SHED_MV = (11_600, 12_000)  # link dozes, CAN listens only, the reader slow
BATTERY_LAST_MV = (11_200, 11_700)  # link off, the reader slow
BATTERY_SILENT_MV = (10_800, 11_400)  # the reader sleeps until a knock
KNOCK_MS = const(30_000)  # a knock wakes the reader for this long

# --- life of the program ---
DIRECTORY = "/"  # of the snapshots on littlefs
WATCHDOG_MS = const(60_000)  # S6: 30 s or more, so that no handshake and no erase trips it
PROOF_OF_LIFE_MS = const(45_000)  # every task has shown life within this, or the watchdog is left to bite
RESTART_MIN_MS = const(500)
RESTART_MAX_MS = const(60_000)
HEALTH_S = const(3_600)  # a health record an hour
DOOR_OPEN_S = const(600)  # a door open this long with the car parked
GNSS_SILENT_S = const(60)  # no accepted sentence: with KL15 on the receiver is supplied for sure
CAN_SILENT_S = const(30)  # KL15 on and no clean frame
FAULT_HOLD_MS = const(30_000)  # a fault that flickers is one fault: it clears after this long without cause
RING_FILLING = 0.8
SESSION_SAVE_S = const(30)  # accumulators of a drive reach flash this often

# --- settings the cloud may change: name -> default; names are those of the wire ---
DEFAULTS = {
    "version": 0,
    "interlock_kind": 1,  # starter_wire
    "key_holder_fitted": 1,
    "tank_ml": 0,  # unknown: fuel by level is then unknown
    "early_s": 900,
    "walkup_gap_s": 1_800,
    "no_show_s": 3_600,
    "forgotten_s": 3_600,
    "standing_offline_s": 604_800,
    "ending_s": 120,
    "places": (),  # (place, lat_e7, lon_e7, radius_m)
    "wifi": (),  # (place, bssid)
}
STANDING_OFFLINE_MAX_S = const(2_592_000)  # 30 days, whatever the settings say
MAX_PLACES = const(24)


class Settings:
    """The settings in force: an attribute for each name of `DEFAULTS`."""

    def __init__(self, values=None):
        self.version = 0
        self.interlock_kind = 1
        self.key_holder_fitted = 1
        self.tank_ml = 0
        self.early_s = 0
        self.walkup_gap_s = 0
        self.no_show_s = 0
        self.forgotten_s = 0
        self.standing_offline_s = 0
        self.ending_s = 0
        self.places = ()
        self.wifi = ()
        self.apply(values or {})

    def apply(self, values):
        """Take a whole set: what it does not name falls back to the default, unknown names are ignored."""
        for name, default in DEFAULTS.items():
            setattr(self, name, values.get(name, default))
        self.standing_offline_s = min(self.standing_offline_s, STANDING_OFFLINE_MAX_S)
        self.places = tuple(self.places)[:MAX_PLACES]
        self.wifi = tuple(self.wifi)[:MAX_PLACES]
