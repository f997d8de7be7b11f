"""Incidents, by kind: (English, French)."""

from typing import Final

INCIDENTS: Final[dict[str, tuple[str, str]]] = {
    "used_though_promised": (
        "Used without reservation while promised to another",
        "Utilisé sans réservation alors que promis à quelqu'un",
    ),
    "another_cars_reservation": (
        "Taken on the reservation of another car",
        "Pris sur la réservation d'un autre véhicule",
    ),
    "another_persons_badge": (
        "Taken with a badge of somebody other than who reserved",
        "Pris avec le badge d'une autre personne que celle qui a réservé",
    ),
    "used_after_end": (
        "Taken on a reservation that was cancelled, given back, or no longer possible",
        "Pris sur une réservation annulée, rendue ou devenue impossible",
    ),
    "trip_without_start": ("A trip's end without its start", "La fin d'un trajet sans son début"),
    "silent_reservation": (
        "A reservation passed without word from the car",
        "Une réservation est passée sans nouvelles du véhicule",
    ),
    "journal_gap": ("Records of the box are missing", "Des enregistrements du boîtier manquent"),
    "journal_damaged": ("Records of the box do not verify", "Des enregistrements du boîtier sont invalides"),
    "journal_contradicts": (
        "The box sent other records under numbers already stored",
        "Le boîtier a envoyé d'autres enregistrements sous des numéros déjà connus",
    ),
    "alarm": ("Moved or ignition on without anybody's badge", "Déplacé ou contact mis sans badge"),
    "damage": ("Damage or a defect was reported", "Un dommage ou une panne a été signalé"),
    "place_unconfirmed": (
        "The trip ended where the car could not tell its place",
        "Le trajet s'est terminé sans que le véhicule connaisse son emplacement",
    ),
}

INCIDENT_REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "incident_closed": ("This is closed already.", "C'est déjà clos."),
    "no_such_step": ("This cannot be done about it.", "Cette action ne s'applique pas ici."),
    "step_impossible": (
        "This is no longer possible: something has changed since. Look again.",
        "Ce n'est plus possible : la situation a changé. Regardez à nouveau.",
    ),
    "report_time": (
        "Damage can be reported from an hour before a booking until a week after. Tell your fleet manager.",
        "Un dommage se signale d'une heure avant la réservation jusqu'à une semaine après. Prévenez votre "
        "gestionnaire de parc.",
    ),
    "damage_text_missing": (
        "Say in a few words what is damaged or does not work.",
        "Décrivez en quelques mots le dommage ou la panne.",
    ),
}
