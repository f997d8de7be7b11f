"""Who may use the car: the table. The first matching row wins; machine and tests read these rows, nothing else decides.

A row of `TABLE` is name, states, events, guards, next state, effects, signal. States are letters (P parked,
A asking, O open, D driving, S stopover, E ending; `*` any), the guards are facts that must all hold (`!` negates),
the next state `=` stays. The signal is what light and sound play; one that begins with `!` is that refusal, `?` is
the refusal found for the badge, `-` nothing.

The rule on the left is made by the rows on the right; a test holds this list to the rows:

driving: ignored; standing, the ignition left on: told   left_on left_on_other ignored
several authorised cards                                 several
too soon again, or held through a reset: told again      again_open again_stopover again_ending
service badge: unlock, allow, ends no driver's session   service_starts service service_leaves
parked, authorised: the session starts                   full starts_low starts
parked, the last driver within 15 minutes: the bag       bag bag_again
parked, not authorised, the cloud can be asked           asks asks_still
still not, or the question forgotten: refuse, say which  refused unanswered
open, a door open or the key missing: say which          door_open key_missing
open, known to be elsewhere: stopover                    stops_over
open, an allowed or an unknown place: the session ends   ends
locked from afar while open: the badge unlocks           reopened
stopover: the session's badge resumes                    resumes
ending: taken back, driven off, the next, deadline       taken_back driven_off ending_full follows over_time
another's badge: takeover, or refused and told why       over_full over_door over_ignition over_key over held
... one without any right                                stranger
driving begins and ends with ignition, wheels, engine    drives drives_on stops
forgotten, or opened from afar and not used              forgotten unused
locked, a door was opened from inside and shut: locked   relock
parked, motion or ignition without a session: alarm      alarm_ignition alarm_motion
moved with the ignition off: carried                     carried put_down
garage                                                   garage_by_badge garage garage_ends garage_over garage_in_use
command open_for                                         open_driving open_full open_starts open_other open_again
... while stopped over or ending                         open_resumes open_takes_back
command lock                                             lock_driving lock_ignition lock_door lock
command end_session                                      end_driving end_nothing end_ignition end_unproven end_door end
the other commands                                       flash test_driving test refresh track
"""

# ruff: noqa: E501 - a row is a line
# One text and not tuples: as such it costs a fifth of the heap, and nothing where it is read in place from ROMFS.
TABLE = """\
# a badge
left_on         D   badge        session_badge,standing                = record_refused,unlock                   !ignition_on
left_on_other   D   badge        standing                              = record_refused                          !ignition_on
ignored         D   badge        -                                     = record_ignored                          ignored
several         PAOSE badge       several                               = record_refused                          !several_badges
again_open      O   badge        session_badge,!settled                = unlock,allow                            welcome
again_stopover  S   badge        session_badge,!settled                = -                                       stopover
again_ending    E   badge        session_badge,!settled                = -                                       ended
# parked: service, those who may, the forgotten bag, those who may not
service_starts  PA  badge,answer service                               O start,unlock,allow                      service
bag             PA  badge        bag,!bag_opened                       P record_bag,unlock                       bag
full            PA  badge,answer valid,journal_full                    P record_refused                          !journal_full
starts_low      PA  badge,answer valid,battery_low                     O start,unlock,allow                      welcome_battery_low
starts          PA  badge,answer valid                                 O start,unlock,allow                      welcome
bag_again       PA  badge        bag                                   P record_bag,unlock                       bag
asks_still      A   badge        asked                                 = -                                       asking
asks            PA  badge        can_ask                               A ask                                     asking
refused         PA  badge,answer -                                     P record_refused                          ?
# the session's badge
reopened        O   badge        session_badge,locked                  = unlock,allow                            welcome
door_open       O   badge        session_badge,door_open,!insisted     = record_refused,unlock                   !door_open
key_missing     O   badge        session_badge,key_missing,!insisted   = record_refused,unlock                   !key_missing
stops_over      O   badge        session_badge,elsewhere               S record_stopover,lock,inhibit            stopover
ends            O   badge        session_badge                         E record_ending,lock,inhibit              ended
resumes         S   badge        session_badge                         O record_resumed,unlock,allow             welcome
taken_back      E   badge        session_badge                         O record_taken_back,unlock,allow          taken_back
# another's badge
service_leaves  S   badge        service,service_here,!door_open       = record_service,service_off,lock,inhibit stopover
service         OS  badge        service                               = record_service,service_on,unlock,allow  service
ending_full     E   badge        valid,journal_full                    = record_refused                          !journal_full
follows         E   badge        may_start                             O end_taken_over,start,unlock,allow       welcome
over_full       OS  badge        started,journal_full                  = record_refused                          !journal_full
over_door       OS  badge        started,door_open                     = record_refused                          !door_open
over_ignition   OS  badge        started,!ignition_off_long            = record_refused                          !ignition_on
over_key        OS  badge        started,key_missing                   = record_refused                          !key_missing
over            OS  badge        started                               O end_taken_over,start,unlock,allow       taken_over
held            OS  badge        valid                                 = record_refused                          !held_by_another
stranger        OSE badge        -                                     = record_refused                          ?
# time passes
drives          O   tick         driven                                D record_driving                          -
drives_on       S   tick         driven_off                            D record_driving                          -
driven_off      E   tick         driven_off                            D flag_driven_off,record_driving          -
stops           D   tick         stopped                               O record_opened                           -
over_time       E   tick         deadline                              P end_badge                               -
forgotten       O   tick         forgotten,!door_open                  P end_forgotten,lock,inhibit              ended
unused          O   tick         unused,!door_open                     P end_command,lock,inhibit                ended
relock          PSE tick         left_unlocked,!door_open,ignition_off = lock                                    -
unanswered      A   tick         unanswered                            P record_refused                          ?
alarm_ignition  PA  tick         ignition_on,!garage,!alarmed          = alarm_ignition                          -
alarm_motion    PA  tick         moved,!garage,!alarmed                = alarm_motion                            -
carried         PAOSE tick        carries,!carried                      = carried_on                              -
put_down        *   tick         carried,carried_over                  = carried_off                             -
garage_over     P   tick         garage,garage_over                    = garage_off                              -
garage_by_badge O   held         service_session,ignition_off          P end_badge,garage_on,allow               garage
# commands of the cloud: evaluated once, then dropped
open_driving    D   open_for     -                                     = -                                       !driving
open_full       PA  open_for     journal_full                          = -                                       !journal_full
open_starts     PA  open_for     -                                     O start_by_command,unlock,allow           welcome
open_other      OSE open_for     !same_authorisation                   = -                                       !held_by_another
open_again      O   open_for     -                                     = unlock,allow                            welcome
open_resumes    S   open_for     -                                     O record_resumed,unlock,allow             welcome
open_takes_back E   open_for     -                                     O record_taken_back,unlock,allow          taken_back
lock_driving    D   lock         -                                     = -                                       !driving
lock_ignition   *   lock         !ignition_off                         = -                                       !ignition_on
lock_door       *   lock         door_open                             = -                                       !door_open
lock            *   lock         -                                     = lock                                    -
end_driving     D   end_session  -                                     = -                                       !driving
end_nothing     PA  end_session  -                                     = -                                       !too_late
end_ignition    *   end_session  !ignition_off_minute                  = -                                       !ignition_on
end_unproven    *   end_session  !still                                = -                                       !no_proof_of_standstill
end_door        *   end_session  door_open                             = -                                       !door_open
end             *   end_session  -                                     P end_command,lock,inhibit_by_command     ended
flash           *   flash_lights -                                     = -                                       find
test_driving    *   self_test    !ignition_off                         = -                                       !driving
test            *   self_test    -                                     = self_test                               -
refresh         *   refresh      -                                     = refresh                                 -
garage_ends     P   garage       no_argument                           = garage_off                              -
garage          P   garage       -                                     = garage_on,allow                         -
garage_in_use   *   garage       -                                     = -                                       !not_parked
track           *   track        -                                     = -                                       !not_fitted
"""


def iterate(event=""):
    """Yield the rows for an event as `(name, states, events, guards, next state, effects, signal)`; without one, all.

    `events` stays one text: no event's name lies within another's.
    """
    at = 0
    while at < len(TABLE):
        end = TABLE.find("\n", at)
        line = TABLE[at:end]
        at = end + 1
        if line[0] == "#" or event not in line:  # most are not worth taking apart
            continue
        name, states, events, guards, following, effects, signal = line.split()
        if event in events:
            yield name, states, events, _split(guards), following, _split(effects), signal


def _split(words):
    return () if words == "-" else tuple(words.split(","))


LETTERS = "PAODSE"  # by state code

# Refusals by code; the name is also what light and sound play.
REFUSALS = (
    "",
    "unknown_badge",
    "too_early",
    "too_late",
    "another_car",
    "held_by_another",
    "revoked",
    "yields_to_reservation",
    "rights_lapsed",
    "clock_unknown",
    "door_open",
    "key_missing",
    "ignition_on",
    "several_badges",
    "random_uid",
    "journal_full",
    "expired",
    "not_parked",
    "no_proof_of_standstill",
    "battery_low",
    "driving",
    "not_fitted",
)
# Commands by code: each is an event of the table.
COMMANDS = ("", "open_for", "lock", "end_session", "flash_lights", "self_test", "refresh", "garage", "track")
