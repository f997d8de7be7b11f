"""Why a box refused a badge or a command, by the code's name: (English, French)."""

from typing import Final

REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "none": ("not refused", "non refusé"),
    "unknown_badge": ("badge unknown", "badge inconnu"),
    "too_early": ("too early", "trop tôt"),
    "too_late": ("too late, the reservation is over", "trop tard, la réservation est terminée"),
    "another_car": ("reserved another car", "un autre véhicule est réservé"),
    "held_by_another": ("the car is held by another", "le véhicule est à quelqu'un d'autre"),
    "revoked": ("badge taken back", "badge retiré"),
    "yields_to_reservation": ("a reservation starts soon", "une réservation commence bientôt"),
    "rights_lapsed": (
        "the box has been without contact too long",
        "le boîtier est resté trop longtemps sans contact",
    ),
    "clock_unknown": ("the box does not know the time", "le boîtier ne connaît pas l'heure"),
    "door_open": ("a door is open", "une portière est ouverte"),
    "key_missing": ("the key is not in its holder", "la clé n'est pas dans son support"),
    "ignition_on": ("the ignition is on, or was just now", "le contact est mis, ou vient de l'être"),
    "several_badges": ("several valid badges at once", "plusieurs badges valides à la fois"),
    "random_uid": ("card with a random number", "carte à numéro aléatoire"),
    "journal_full": ("the box's journal is full", "le journal du boîtier est plein"),
    "expired": ("the command came too late", "la commande est arrivée trop tard"),
    "not_parked": ("the car is not parked", "le véhicule n'est pas garé"),
    "no_proof_of_standstill": (
        "no proof that the car stands still",
        "aucune preuve que le véhicule est arrêté",
    ),
    "battery_low": ("the battery is low", "la batterie est faible"),
    "driving": ("the car is being driven", "le véhicule roule"),
    "not_fitted": ("not fitted in this car", "non installé dans ce véhicule"),
}
