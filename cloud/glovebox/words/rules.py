"""What the rules of a fleet refused: the rule, its value and what would do, by error code: (English,
French)."""

from typing import Final

RULE_REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "too_long": (
        "A reservation lasts {longest_s:lasting} at most. An end by {latest_end:when} would do.",
        "Une réservation dure {longest_s:lasting} au plus. Une fin le {latest_end:when} au plus tard "
        "conviendrait.",
    ),
    "too_far": (
        "Cars are booked {horizon_s:lasting} ahead at most, for now until {latest_start:when}. This start"
        " can be booked from {bookable_at:when}.",
        "On réserve au plus {horizon_s:lasting} à l'avance, pour l'instant jusqu'au {latest_start:when}. "
        "Ce début pourra être réservé à partir du {bookable_at:when}.",
    ),
    "too_soon": (
        "Cars are booked at least {lead_s:lasting} ahead. A start from {earliest_start:when} would do.",
        "On réserve au moins {lead_s:lasting} à l'avance. Un début à partir du {earliest_start:when} "
        "conviendrait.",
    ),
    "too_close_before": (
        "{buffer_s:lasting} stay free between two bookings of this car, and another ends shortly before. "
        "A start from {earliest_start:when} would do.",
        "{buffer_s:lasting} restent libres entre deux réservations de ce véhicule, et une autre finit "
        "juste avant. Un début à partir du {earliest_start:when} conviendrait.",
    ),
    "too_close_after": (
        "{buffer_s:lasting} stay free between two bookings of this car, and another begins shortly after."
        " An end by {latest_end:when} would do.",
        "{buffer_s:lasting} restent libres entre deux réservations de ce véhicule, et une autre commence "
        "juste après. Une fin le {latest_end:when} au plus tard conviendrait.",
    ),
    "too_many_bookings": (
        "At most {limit} bookings of one person may be open, and {booked} are. Cancel one, or book once "
        "the first is over: {first_end:when}.",
        "Une personne a au plus {limit} réservations en cours ou à venir, et il y en a {booked}. "
        "Annulez-en une, ou réservez quand la première sera terminée : {first_end:when}.",
    ),
    "week_full": (
        "One person books {week_s:lasting} a week at most; {left_s:lasting} are left in this one. A "
        "shorter booking would do, or one from {next_week_at:when}.",
        "Une personne réserve au plus {week_s:lasting} par semaine ; il en reste {left_s:lasting} dans "
        "celle-ci. Une réservation plus courte conviendrait, ou à partir du {next_week_at:when}.",
    ),
    "closed_at_start": (
        "{site} is closed at {at:when}. A start from {opens_at:when} would do.",
        "{site} : fermé le {at:when}. Un début à partir du {opens_at:when} conviendrait.",
    ),
    "closed_at_end": (
        "{site} is closed at {at:when}: the car cannot be brought back then. An end by {closed_at:when} "
        "would do, or from {opens_at:when}.",
        "{site} : fermé le {at:when}, le véhicule ne peut pas y être rendu. Une fin le {closed_at:when} "
        "au plus tard conviendrait, ou à partir du {opens_at:when}.",
    ),
    "closed_for_long": (
        "{site} is closed at {at:when}, and for long. Choose another site.",
        "{site} : fermé le {at:when}, et pour longtemps. Choisissez un autre site.",
    ),
    "licence_expired": (
        "The driving licence on file is valid until {until:when}, and the reservation ends later. An "
        "earlier end would do, or ask the fleet manager to check the renewed licence.",
        "Le permis enregistré est valable jusqu'au {until:when}, et la réservation finit plus tard. Une "
        "fin plus tôt conviendrait, ou demandez au gestionnaire de vérifier le permis renouvelé.",
    ),
    "licence_category": (
        "{registration} needs a driving licence of category {category}; on file: {held}. Take another "
        "car, or ask the fleet manager to check the licence.",
        "{registration} exige le permis de catégorie {category} ; enregistré : {held}. Prenez un autre "
        "véhicule, ou demandez au gestionnaire de vérifier le permis.",
    ),
    "pool_for_groups": (
        "The cars of {pool} are kept for certain groups of people. Take another car, or ask the fleet "
        "manager.",
        "Les véhicules de {pool} sont réservés à certains groupes. Prenez un autre véhicule, ou demandez "
        "au gestionnaire.",
    ),
    "rule_out_of_range": (
        "{rule}: {least} to {largest}.",
        "{rule} : de {least} à {largest}.",
    ),
    "hours_impossible": (
        "A site opens before it closes, within the day or until the night after.",
        "Un site ouvre avant de fermer, dans la journée ou dans la nuit qui suit.",
    ),
    "no_such_zone": (
        "{name} is no time zone: write Europe/Paris.",
        "{name} n'est pas un fuseau horaire : écrivez Europe/Paris.",
    ),
    "no_such_holidays": (
        "No public holidays are known under {code}: write FR, or FR-57.",
        "Aucun jour férié connu sous {code} : écrivez FR, ou FR-57.",
    ),
    "too_many_closures": (
        "A site has at most {limit} closed periods; take away what is over.",
        "Un site a au plus {limit} périodes de fermeture ; retirez celles qui sont passées.",
    ),
    "no_such_category": (
        "{text} is no category of driving licence: write B, BE, C1, D1.",
        "{text} n'est pas une catégorie de permis : écrivez B, BE, C1, D1.",
    ),
    "nothing_to_undo": (
        "There is nothing left to put back.",
        "Il n'y a plus rien à rétablir.",
    ),
    "group_exists": (
        "There is a group {name} already.",
        "Il y a déjà un groupe {name}.",
    ),
    "group_in_use": (
        "A pool is kept for {name}, and would open to everybody. Change the pool's rules first.",
        "Un parc est réservé à {name}, et s'ouvrirait à tous. Modifiez d'abord les règles du parc.",
    ),
    "member_elsewhere": (
        "This person belongs to {organisation}: a group is of one body's people.",
        "Cette personne relève de {organisation} : un groupe réunit les agents d'un seul organisme.",
    ),
}

RULE_NAMES: Final[dict[str, tuple[str, str]]] = {
    "buffer_s": ("Gap between two bookings of a car", "Intervalle entre deux réservations"),
    "lead_s": ("Booked ahead, at least", "Délai minimal avant le début"),
    "longest_s": ("Longest booking", "Durée maximale"),
    "horizon_s": ("Booked ahead, at most", "Réservation au plus à l'avance"),
    "open_bookings": ("Open bookings per person", "Réservations en cours et à venir par personne"),
    "week_s": ("Hours per person and week", "Heures par personne et par semaine"),
    "needs_approval": ("Approval", "Approbation"),
    "approval_due_s": ("Time for the approver", "Temps laissé à l'approbateur"),
    "priority": ("Priority", "Priorité"),
}
