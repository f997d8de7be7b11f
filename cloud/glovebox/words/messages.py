"""Messages to people, by kind: (English subject, French subject, English text, French text). Causes, by
kind: (English, French)."""

from typing import Final

MESSAGES: Final[dict[str, tuple[str, str, str, str]]] = {
    "test": (
        "A test from Glovebox",
        "Un essai de Glovebox",
        "This is how Glovebox tells you when something changes for your bookings.",
        "Voici comment Glovebox vous prévient quand vos réservations changent.",
    ),
    "booked_for_you": (
        "A car is booked for you",
        "Un véhicule est réservé pour vous",
        "{car} is booked for you: {when}, {place}.",
        "{car} est réservé pour vous : {when}, {place}.",
    ),
    "changed_for_you": (
        "Your booking has changed",
        "Votre réservation a changé",
        "Your fleet manager has changed your booking. You now have {car}: {when}, {place}.",
        "Votre gestionnaire de parc a modifié votre réservation. Vous avez désormais {car} : {when}, "
        "{place}.",
    ),
    "series_booked": (
        "A series of bookings is made for you",
        "Une série de réservations est faite pour vous",
        "{count} times {car} is booked for you, first {when}, {place}.",
        "{car} est réservé {count} fois pour vous, d'abord {when}, {place}.",
    ),
    "series_changed": (
        "A series of your bookings has changed",
        "Une série de vos réservations a changé",
        "Your fleet manager has changed {count} bookings of your series. The first now is {car}: {when}, "
        "{place}.",
        "Votre gestionnaire de parc a modifié {count} réservations de votre série. La première est désormais "
        "{car} : {when}, {place}.",
    ),
    "series_cancelled": (
        "A series of your bookings is cancelled",
        "Une série de vos réservations est annulée",
        "Your fleet manager has cancelled {count} bookings of your series, the first of them {car}, {when}.",
        "Votre gestionnaire de parc a annulé {count} réservations de votre série, la première étant {car}, "
        "{when}.",
    ),
    "cancelled_for_you": (
        "Your booking is cancelled",
        "Votre réservation est annulée",
        "Your booking of {car} ({when}) was cancelled by your fleet manager.",
        "Votre réservation de {car} ({when}) a été annulée par votre gestionnaire de parc.",
    ),
    "approval_asked": (
        "A booking waits for your answer",
        "Une réservation attend votre réponse",
        "{person} asks for {car}, {when}. Approve or refuse it under Approvals.",
        "{person} demande {car}, {when}. Approuvez ou refusez sous Approbations.",
    ),
    "approval_given": (
        "Your booking is approved",
        "Votre réservation est approuvée",
        "{car} is yours: {when}, {place}.",
        "{car} est à vous : {when}, {place}.",
    ),
    "approval_refused": (
        "Your booking is refused",
        "Votre réservation est refusée",
        "Your booking of {car} ({when}) is refused: {reason}",
        "Votre réservation de {car} ({when}) est refusée : {reason}",
    ),
    "approval_lapsed": (
        "Nobody answered in time",
        "Personne n'a répondu à temps",
        "Nobody approved your booking of {car} ({when}) in time, and the car is free again. Book another, or "
        "ask your approver.",
        "Personne n'a approuvé à temps votre réservation de {car} ({when}), et le véhicule est de nouveau "
        "libre. Réservez-en un autre, ou voyez avec votre approbateur.",
    ),
    "wait_booked": (
        "A car has become free: it is yours",
        "Un véhicule s'est libéré : il est à vous",
        "You waited for a car, and one has become free: {car} is booked for you, {when}, {place}. If you "
        "need it no more, cancel it: the next in the list gets it.",
        "Vous attendiez un véhicule et l'un d'eux s'est libéré : {car} est réservé pour vous, {when}, "
        "{place}. S'il ne sert plus, annulez : le suivant de la liste l'aura.",
    ),
    "wait_offered": (
        "A car has become free: do you want it?",
        "Un véhicule s'est libéré : le voulez-vous ?",
        "{car} is free, {when}, {place}. It is held for you until {until:when}: take it on your home page. "
        "After that the next in the list gets it.",
        "{car} est libre, {when}, {place}. Il est retenu pour vous jusqu'au {until:when} : prenez-le sur "
        "votre page d'accueil. Ensuite, le suivant de la liste l'aura.",
    ),
    "wait_missed": (
        "The car that was held for you is gone",
        "Le véhicule retenu pour vous est parti",
        "You did not take {car} in time, {when}. Look for a car again if you still need one.",
        "Vous n'avez pas pris {car} à temps, {when}. Cherchez à nouveau s'il vous en faut toujours un.",
    ),
    "wait_in_vain": (
        "No car has become free",
        "Aucun véhicule ne s'est libéré",
        "No car became free for you: {when}, {place}. Try another time or another site.",
        "Aucun véhicule ne s'est libéré pour vous : {when}, {place}. Essayez un autre moment ou un "
        "autre site.",
    ),
    "rehouse_moved": (
        "Your car changes",
        "Votre véhicule change",
        "{car} is not available: {cause}. You have {other_car} instead, {when}, {place}. If you would "
        "rather not, your booking's page takes it back.",
        "{car} n'est pas disponible : {cause}. Vous avez {other_car} à la place, {when}, {place}. Sinon, la "
        "page de la réservation permet de revenir en arrière.",
    ),
    "rehouse_offered": (
        "Your car may not be there",
        "Votre véhicule risque de manquer",
        "{car} may not be there for you, {when}: {cause}. Other cars or times are free: choose on your "
        "booking's page. Nothing is held until you do.",
        "{car} risque de ne pas être là, {when} : {cause}. D'autres véhicules ou horaires sont libres : "
        "choisissez sur la page de la réservation. Rien n'est retenu d'ici là.",
    ),
    "rehouse_told": (
        "Your car may not be there",
        "Votre véhicule risque de manquer",
        "{car} may not be there for you, {when}: {cause}. Nothing else is free at this moment. You are told "
        "as soon as a car is; for anything urgent call your fleet manager.",
        "{car} risque de ne pas être là, {when} : {cause}. Rien d'autre n'est libre pour l'instant. "
        "Vous serez prévenu dès qu'un véhicule l'est ; en cas d'urgence, appelez votre gestionnaire de parc.",
    ),
    "licence_expired": (
        "Your driving licence on file ends",
        "Votre permis enregistré expire",
        "Your driving licence on file ends before your booking of {car} does, {when}. Show your fleet "
        "manager the new one.",
        "Votre permis enregistré expire avant la fin de votre réservation de {car}, {when}. Présentez le "
        "nouveau à votre gestionnaire de parc.",
    ),
    "incident_asked": (
        "A question about your trip",
        "Une question sur votre trajet",
        "{car}, {at:when}: {incident}. Please tell your fleet manager what happened.",
        "{car}, {at:when} : {incident}. Merci de dire à votre gestionnaire de parc ce qui s'est passé.",
    ),
    "risk_over": (
        "Your car is there after all",
        "Votre véhicule sera bien là",
        "{car} is there for you after all, {when}, {place}.",
        "{car} sera bien là pour vous, {when}, {place}.",
    ),
}

CAUSES: Final[dict[str, tuple[str, str]]] = {
    "block": ("it is out of service", "il est immobilisé"),
    "late_car": ("it is not back yet", "il n'est pas encore rentré"),
    "broken_chain": (
        "it will be at another site then",
        "il sera alors sur un autre site",
    ),
    "silent_car": ("nothing is heard from it", "il ne donne plus de nouvelles"),
    "ended_agreement": ("the agreement that opens it ends", "la convention qui l'ouvre prend fin"),
    "expired_licence": ("the driving licence ends before", "le permis expire avant"),
}
