"""What the tool says of the box's parts: key: (English, French)."""

TEXTS: dict[str, tuple[str, str]] = {
    "test_pass": ("pass", "bon"),
    "test_fail": ("FAIL", "MAUVAIS"),
    "test_told": ("told", "relevé"),
    "test_line": ("{check}: {result}", "{check} : {result}"),
    "test_good": ("All {count} checks are good.", "Les {count} vérifications sont bonnes."),
    "test_bad": ("Failed: {checks}.", "Échec : {checks}."),
    "checks_missing": (
        "The self-test ended early; not checked: {checks}.\n  Press the box's reset button and repeat.",
        "L'autotest s'est arrêté trop tôt ; non vérifié : {checks}.\n"
        "  Appuyez sur le bouton de réinitialisation du boîtier et recommencez.",
    ),
    "moving_relay": (
        "Moving the interlock relay; the ignition must have been off for a minute, so this takes "
        "over a minute ...",
        "Commande du relais d'immobilisation ; le contact doit être coupé depuis une minute, cela "
        "prend donc plus d'une minute ...",
    ),
    "check_reader": ("card reader", "lecteur de badges"),
    "check_accelerometer": ("accelerometer", "accéléromètre"),
    "check_clock": ("clock chip", "horloge"),
    "check_can": ("CAN chip", "circuit CAN"),
    "check_relay": ("relay contact", "contact du relais"),
    "check_gnss": ("satellite receiver", "récepteur satellite"),
    "check_battery": ("12 V", "12 V"),
    "check_inputs": ("inputs", "entrées"),
    "check_wifi": ("Wi-Fi", "Wi-Fi"),
    "check_relay_moved": ("relay moved", "relais commandé"),
    "result_reader": (
        "version {version}, {cards} cards in the field",
        "version {version}, {cards} badges présents",
    ),
    "result_accelerometer": ("measures {mg} mg at rest", "mesure {mg} mg au repos"),
    "result_clock": ("answers and holds a time", "répond et garde l'heure"),
    "result_clock_unset": (
        "answers; it has lost its time (new, or its backup was empty): the cloud sets it",
        "répond ; elle a perdu l'heure (neuve, ou réserve vide) : le serveur la règlera",
    ),
    "result_can": ("answers", "répond"),
    "result_relay": ("reads {contact}", "indique : {contact}"),
    "result_gnss": (
        "{accepted} sentences, {rejected} damaged, {fix}",
        "{accepted} phrases, {rejected} abîmées, {fix}",
    ),
    "result_battery": ("{mv} mV", "{mv} mV"),
    "result_inputs": (
        "ignition on: {kl15}; a door open: {door}; key in its holder: {key_there}",
        "contact mis : {kl15} ; une porte ouverte : {door} ; clé à sa place : {key_there}",
    ),
    "result_wifi": (
        "{networks} networks heard, the strongest {rssi} dBm",
        "{networks} réseaux captés, le plus fort {rssi} dBm",
    ),
    "result_wifi_none": ("no network heard", "aucun réseau capté"),
    "result_relay_moved": ("{steps}", "{steps}"),
    "relay_step": (
        "{target}: {outcome}, contact reads {contact}",
        "{target} : {outcome}, le contact indique {contact}",
    ),
    "outcome_0": ("done", "fait"),
    "outcome_1": ("already there", "déjà en place"),
    "outcome_2": ("refused, the car moves", "refusé, la voiture bouge"),
    "outcome_3": ("refused, the ignition is on", "refusé, le contact est mis"),
    "outcome_4": ("refused, no proof of standstill", "refusé, pas de preuve d'arrêt"),
    "outcome_5": ("refused, below 9 V", "refusé, moins de 9 V"),
    "outcome_6": (
        "pulsed three times, the contact did not follow",
        "commandé trois fois, le contact n'a pas suivi",
    ),
    "outcome_7": ("no relay fitted", "pas de relais"),
    "outcome_8": ("refused, the sensors contradict each other", "refusé, les capteurs se contredisent"),
    "contact_allow": ("allow", "autorisé"),
    "contact_inhibit": ("inhibit", "immobilisé"),
    "contact_unknown": ("unknown", "inconnu"),
    "fix_yes": ("position found", "position trouvée"),
    "fix_no": ("no position yet (normal indoors)", "pas encore de position (normal à l'intérieur)"),
    "yes": ("yes", "oui"),
    "no": ("no", "non"),
    "fix_reader": (
        "Check the cable to the windscreen: 3.3 V, ground, and SPI wires; GPIO5 is its chip select.",
        "Vérifiez le câble vers le pare-brise : 3,3 V, masse et fils SPI ; GPIO5 le sélectionne.",
    ),
    "fix_accelerometer": (
        "It is on the board at I2C 0x19: if it does not answer, GPIO21/22 or its solder joints; if "
        "it measures otherwise, keep the box still.",
        "Il est sur la carte en I2C 0x19 : s'il ne répond pas, GPIO21/22 ou ses soudures ; s'il "
        "mesure autre chose, tenez le boîtier immobile.",
    ),
    "fix_clock": (
        "It is on the board at I2C 0x52: GPIO21/22 or its solder joints.",
        "Elle est sur la carte en I2C 0x52 : GPIO21/22 ou ses soudures.",
    ),
    "fix_can": (
        "It is on the board: SPI wires, GPIO15 is its chip select, and its 8 MHz crystal.",
        "Il est sur la carte : fils SPI, GPIO15 le sélectionne, et son quartz de 8 MHz.",
    ),
    "fix_relay": ("Check the contact's wire on GPIO34.", "Vérifiez le fil du contact sur GPIO34."),
    "fix_gnss": (
        "No sentence came: the receiver's supply, or its two wires on GPIO13 and GPIO0 exchanged.",
        "Aucune phrase reçue : alimentation du récepteur, ou ses deux fils sur GPIO13 et GPIO0 inversés.",
    ),
    "fix_battery": (
        "Not between 9 and 15.5 V: the fuse, the tap on terminal 30, or the divider on GPIO35.",
        "Pas entre 9 et 15,5 V : le fusible, la prise sur la borne 30, ou le diviseur sur GPIO35.",
    ),
    "fix_inputs": ("Check the inputs' wires.", "Vérifiez les fils des entrées."),
    "fix_wifi": (
        "No network heard: the antenna's keep-out, or a place without any Wi-Fi; hold a telephone's "
        "hotspot near.",
        "Aucun réseau capté : dégagement de l'antenne, ou lieu sans Wi-Fi ; approchez le partage "
        "d'un téléphone.",
    ),
    "fix_relay_moved": (
        "If refused: engine off, ignition off, car still, then repeat. If the contact did not "
        "follow: coil wires on GPIO25/26, contact wire on GPIO34.",
        "Si refusé : moteur et contact coupés, voiture immobile, puis recommencez. Si le contact n'a "
        "pas suivi : fils des bobines sur GPIO25/26, fil du contact sur GPIO34.",
    ),
}
