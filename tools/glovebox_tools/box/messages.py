"""What the tool says, in English and French. A test holds both to the same keys and the same blanks.

A failure's text says what is the matter in one sentence, and then what to do.
"""

import locale
import os

LANGUAGES = ("en", "fr")

# key: (English, French)
MESSAGES: dict[str, tuple[str, str]] = {
    # --- ports ---
    "ports_none": ("No serial port on this computer.", "Aucun port série sur cet ordinateur."),
    "ports_may_be": ("can be a box", "peut être un boîtier"),
    "ports_not": ("not a box", "pas un boîtier"),
    "using_port": ("Port {port}.", "Port {port}."),
    "no_port": (
        "No box found on this computer's USB ports.\n"
        "  Plug the box in with a USB cable that carries data (many only charge), then run `glovebox-box "
        "ports`.\n"
        "  A port of another kind can be named with --port.",
        "Aucun boîtier sur les ports USB de cet ordinateur.\n"
        "  Branchez le boîtier avec un câble USB de données (beaucoup ne font que charger), puis lancez "
        "`glovebox-box ports`.\n"
        "  Un port d'un autre genre se désigne avec --port.",
    ),
    "several_ports": (
        "Several ports can be a box: {ports}.\n"
        "  Name the one you mean with --port. Unplug the box and run `glovebox-box ports` to see which one "
        "goes.",
        "Plusieurs ports peuvent être un boîtier : {ports}.\n"
        "  Désignez le bon avec --port. Débranchez le boîtier et lancez `glovebox-box ports` pour voir "
        "lequel "
        "disparaît.",
    ),
    # --- what goes wrong with the board ---
    "port_gone": (
        "There is no port {port}.\n  Run `glovebox-box ports` to see which there are; check the cable.",
        "Le port {port} n'existe pas.\n"
        "  Lancez `glovebox-box ports` pour voir lesquels existent ; vérifiez le câble.",
    ),
    "port_forbidden": (
        "You may not use {port}.\n"
        "  On Debian and Ubuntu: `sudo usermod -aG dialout $USER`, then log out and in again.",
        "Vous n'avez pas le droit d'utiliser {port}.\n"
        "  Sous Debian et Ubuntu : `sudo usermod -aG dialout $USER`, puis fermez et rouvrez la session.",
    ),
    "port_busy": (
        "{port} is in use by another program.\n"
        "  Close the terminal, editor or other glovebox-box that has it open, then repeat.",
        "{port} est utilisé par un autre programme.\n"
        "  Fermez le terminal, l'éditeur ou l'autre glovebox-box qui l'occupe, puis recommencez.",
    ),
    "unplugged": (
        "The box went away while it was being talked to ({port}).\n"
        "  Plug the cable back in and run the same command again: it goes on where it stopped.",
        "Le boîtier a disparu pendant l'échange ({port}).\n"
        "  Rebranchez le câble et relancez la même commande : elle reprend là où elle s'est arrêtée.",
    ),
    "not_micropython": (
        "What is behind {port} does not answer as MicroPython.\n"
        "  Is it the right port (`glovebox-box ports`)? Is MicroPython on the board yet (tools/README.md, "
        "'A new board')? Press its reset button and repeat.",
        "Ce qui est derrière {port} ne répond pas comme MicroPython.\n"
        "  Est-ce le bon port (`glovebox-box ports`) ? MicroPython est-il déjà sur la carte "
        "(tools/README.md, "
        "« A new board ») ? Appuyez sur son bouton de réinitialisation et recommencez.",
    ),
    "silent": (
        "The box on {port} has said nothing for {seconds} s.\n"
        "  Press its reset button and run the same command again.",
        "Le boîtier sur {port} n'a rien dit depuis {seconds} s.\n"
        "  Appuyez sur son bouton de réinitialisation et relancez la même commande.",
    ),
    "no_answer": (
        "The box on {port} ran the program but gave no answer.\n  Run `glovebox-box flash`, then repeat.",
        "Le boîtier sur {port} a exécuté le programme sans donner de réponse.\n"
        "  Lancez `glovebox-box flash`, puis recommencez.",
    ),
    "not_reset": (
        "The box on {port} could not be reset.\n  Press its reset button and run the same command again.",
        "Le boîtier sur {port} n'a pas pu être réinitialisé.\n"
        "  Appuyez sur son bouton de réinitialisation et relancez la même commande.",
    ),
    "flash_full": (
        "No room left on the box's flash.\n"
        "  Is the partition table of hardware/partitions.csv on the board (tools/README.md, 'A new board')?",
        "Il n'y a plus de place sur la mémoire du boîtier.\n"
        "  La table de partitions hardware/partitions.csv est-elle sur la carte (tools/README.md, « A new "
        "board ») ?",
    ),
    "no_memory": (
        "The box ran out of memory.\n  Press its reset button and repeat.",
        "Le boîtier n'a plus de mémoire vive.\n  Appuyez sur son bouton de réinitialisation et recommencez.",
    ),
    "no_firmware": (
        "The firmware is not on this box, or only half.\n  Run `glovebox-box flash` first.",
        "Le logiciel n'est pas sur ce boîtier, ou à moitié.\n  Lancez d'abord `glovebox-box flash`.",
    ),
    "interrupted": ("Interrupted.", "Interrompu."),
    "mpremote_failed": (
        "mpremote failed on {port}: {last}\n  Repeat with --verbose to see all it said.",
        "mpremote a échoué sur {port} : {last}\n  Recommencez avec --verbose pour voir tout ce qu'il a dit.",
    ),
    # --- flash ---
    "board_is": (
        "Board: {machine}, MicroPython {version}, hardware id {hardware_id}.",
        "Carte : {machine}, MicroPython {version}, identifiant matériel {hardware_id}.",
    ),
    "wrong_platform": (
        "The board on {port} is '{platform}', not an ESP32. Nothing was changed.\n"
        "  Is it the right port? Run `glovebox-box ports`.",
        "La carte sur {port} est « {platform} », pas un ESP32. Rien n'a été modifié.\n"
        "  Est-ce le bon port ? Lancez `glovebox-box ports`.",
    ),
    "wrong_mpy": (
        "The board's MicroPython {version} reads .mpy files of version {board}; this tool makes version "
        "{ours}. "
        "Nothing was changed.\n  Put a MicroPython of the same version as in tools/README.md on the board "
        "first.",
        "Le MicroPython {version} de la carte lit les fichiers .mpy de version {board} ; cet outil produit "
        "la "
        "version {ours}. Rien n'a été modifié.\n"
        "  Mettez d'abord sur la carte un MicroPython de la version indiquée dans tools/README.md.",
    ),
    "compiled": ("Compiled {count} files, {bytes} bytes.", "{count} fichiers compilés, {bytes} octets."),
    "does_not_compile": (
        "The firmware does not compile; nothing was changed on the box.\n{text}",
        "Le logiciel ne se compile pas ; rien n'a été modifié sur le boîtier.\n{text}",
    ),
    "up_to_date": (
        "The box already holds exactly this firmware; nothing to copy.",
        "Le boîtier contient déjà exactement ce logiciel ; rien à copier.",
    ),
    "will_copy": ("To copy: {copy}. To remove: {remove}.", "À copier : {copy}. À supprimer : {remove}."),
    "dry_run": ("Dry run: nothing was changed.", "Essai à blanc : rien n'a été modifié."),
    "stopping_firmware": (
        "Stopping the firmware, so that its watchdog does not cut the copy.",
        "Arrêt du logiciel, pour que son chien de garde n'interrompe pas la copie.",
    ),
    "copying": ("  [{n}/{of}] {file}", "  [{n}/{of}] {file}"),
    "removing": ("  removing {file}", "  suppression de {file}"),
    "reading_back": ("Reading back and comparing SHA-256 ...", "Relecture et comparaison des SHA-256 ..."),
    "flash_differs": (
        "Read back, these differ from what was copied: {files}.\n"
        "  Run the same command again. If it stays so, the flash or the cable is bad.",
        "À la relecture, ceux-ci diffèrent de ce qui a été copié : {files}.\n"
        "  Relancez la même commande. Si cela persiste, la mémoire ou le câble est défectueux.",
    ),
    "flashed": (
        "Done: {count} files verified on the box; it starts now.",
        "Terminé : {count} fichiers vérifiés sur le boîtier ; il démarre.",
    ),
    "flash_again": (
        "The box does not start until this is finished: run `glovebox-box flash` again.",
        "Le boîtier ne démarre pas avant la fin de l'opération : relancez `glovebox-box flash`.",
    ),
    # --- provision ---
    "cloud_not_https": (
        "{url} is not https. The keys of the box would travel in the open.\n"
        "  Use the https address of the boxes' server.",
        "{url} n'est pas en https. Les clés du boîtier circuleraient en clair.\n"
        "  Utilisez l'adresse https du serveur des boîtiers.",
    ),
    "cloud_unreachable": (
        "The cloud at {url} cannot be reached: {reason}\n"
        "  Check this computer's network and the address. The token was not used.",
        "Le serveur {url} est injoignable : {reason}\n"
        "  Vérifiez le réseau de cet ordinateur et l'adresse. Le jeton n'a pas été utilisé.",
    ),
    "cloud_untrusted": (
        "The certificate of {url} is not trusted: {reason}\n"
        "  Give the deployment's CA file with --ca (the administrator has it). The token was not used.",
        "Le certificat de {url} n'est pas reconnu : {reason}\n"
        "  Indiquez le fichier de l'autorité du déploiement avec --ca (l'administrateur l'a). Le jeton n'a "
        "pas été "
        "utilisé.",
    ),
    "token_refused": (
        "The cloud does not accept this claim token: {reason}\n"
        "  It is valid once and for 15 minutes. Make a new one at the vehicle's page in the console.",
        "Le serveur n'accepte pas ce jeton : {reason}\n"
        "  Il vaut une seule fois et 15 minutes. Créez-en un autre sur la page du véhicule dans la console.",
    ),
    "cloud_failed": (
        "The cloud at {url} answered {status}: {reason}\n"
        "  Try again later; if the token no longer works then, make a new one in the console.",
        "Le serveur {url} a répondu {status} : {reason}\n"
        "  Réessayez plus tard ; si le jeton ne marche plus alors, créez-en un autre dans la console.",
    ),
    "bundle_bad": (
        "The cloud's answer is not an identity this tool understands: {reason}\n"
        "  The tool and the cloud are of different versions: update the older one, then make a new token.",
        "La réponse du serveur n'est pas une identité que cet outil comprend : {reason}\n"
        "  L'outil et le serveur sont de versions différentes : mettez à jour le plus ancien, puis créez un "
        "nouveau "
        "jeton.",
    ),
    "claimed": (
        "Claimed: box {box_id} for vehicle {vehicle}.",
        "Identité obtenue : boîtier {box_id} pour le véhicule {vehicle}.",
    ),
    "wifi_password": ("Password of the Wi-Fi network {ssid}: ", "Mot de passe du réseau Wi-Fi {ssid} : "),
    "wifi_bad": (
        "{ssid!r} with this password is no Wi-Fi network: a name has 1 to 32 bytes, a password none or 8 to "
        "63.",
        "{ssid!r} avec ce mot de passe n'est pas un réseau Wi-Fi : un nom a 1 à 32 octets, un mot de passe "
        "aucun ou 8 "
        "à 63.",
    ),
    "file_unreadable": ("{reason}\n  Check the file's name.", "{reason}\n  Vérifiez le nom du fichier."),
    "written": ("Identity written; reading back ...", "Identité écrite ; relecture ..."),
    "provision_refused": (
        "The firmware did not take the identity: {reason}\n"
        "  Run `glovebox-box flash`, make a new token in the console and repeat.",
        "Le logiciel n'a pas accepté l'identité : {reason}\n"
        "  Lancez `glovebox-box flash`, créez un nouveau jeton dans la console et recommencez.",
    ),
    "provision_lost": (
        "The token is used, but the identity did not reach the box.\n"
        "  Make a new token in the console and provision again: the keys just made are thereby void.",
        "Le jeton est utilisé, mais l'identité n'est pas arrivée au boîtier.\n"
        "  Créez un nouveau jeton dans la console et recommencez : les clés qui viennent d'être créées ne "
        "valent "
        "alors plus.",
    ),
    "identity_differs": (
        "The box does not hold what the cloud gave: {fields} differ.\n"
        "  Make a new token in the console and provision again.",
        "Le boîtier ne contient pas ce que le serveur a donné : {fields} diffèrent.\n"
        "  Créez un nouveau jeton dans la console et recommencez.",
    ),
    "provisioned": (
        "Done: the box holds its identity, read back and compared; it starts now.",
        "Terminé : le boîtier contient son identité, relue et comparée ; il démarre.",
    ),
    # --- verify ---
    "no_identity": (
        "The box has no identity yet.\n  Run `glovebox-box provision`.",
        "Le boîtier n'a pas encore d'identité.\n  Lancez `glovebox-box provision`.",
    ),
    "identity": (
        "Identity: box {box_id}, key generation {key_id}, cloud {cloud}, time port {time_port}.",
        "Identité : boîtier {box_id}, génération de clés {key_id}, serveur {cloud}, port de l'heure "
        "{time_port}.",
    ),
    "identity_wifi": ("Wi-Fi networks: {names}.", "Réseaux Wi-Fi : {names}."),
    "firmware_same": (
        "Firmware: {count} files, all as in this checkout.",
        "Logiciel : {count} fichiers, tous identiques à cette version.",
    ),
    "firmware_differs": (
        "Firmware: differs from this checkout: {files}.\n  Run `glovebox-box flash`.",
        "Logiciel : diffère de cette version : {files}.\n  Lancez `glovebox-box flash`.",
    ),
    "none": ("none", "aucun"),
    # --- self-test ---
    "test_pass": ("pass", "bon"),
    "test_fail": ("FAIL", "MAUVAIS"),
    "test_told": ("told", "relevé"),
    "test_good": ("All {count} checks are good.", "Les {count} vérifications sont bonnes."),
    "test_bad": ("{count} checks failed.", "{count} vérifications ont échoué."),
    "checks_missing": (
        "The self-test ended early; not checked: {checks}.\n  Press the box's reset button and repeat.",
        "L'autotest s'est arrêté trop tôt ; non vérifié : {checks}.\n"
        "  Appuyez sur le bouton de réinitialisation du boîtier et recommencez.",
    ),
    "moving_relay": (
        "Moving the interlock relay; the ignition must have been off for a minute, so this takes over a "
        "minute ...",
        "Commande du relais d'immobilisation ; le contact doit être coupé depuis une minute, cela prend "
        "donc plus "
        "d'une minute ...",
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
        "It is on the board at I2C 0x19: if it does not answer, GPIO21/22 or its solder joints; if it "
        "measures "
        "otherwise, keep the box still.",
        "Il est sur la carte en I2C 0x19 : s'il ne répond pas, GPIO21/22 ou ses soudures ; s'il mesure "
        "autre chose, "
        "tenez le boîtier immobile.",
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
        "No network heard: the antenna's keep-out, or a place without any Wi-Fi; hold a telephone's hotspot "
        "near.",
        "Aucun réseau capté : dégagement de l'antenne, ou lieu sans Wi-Fi ; approchez le partage d'un "
        "téléphone.",
    ),
    "fix_relay_moved": (
        "If refused: engine off, ignition off, car still, then repeat. If the contact did not follow: coil "
        "wires on "
        "GPIO25/26, contact wire on GPIO34.",
        "Si refusé : moteur et contact coupés, voiture immobile, puis recommencez. Si le contact n'a pas "
        "suivi : fils "
        "des bobines sur GPIO25/26, fil du contact sur GPIO34.",
    ),
    # --- log ---
    "log_until": (
        "What the box says; Ctrl-C ends. The box is not disturbed.",
        "Ce que dit le boîtier ; Ctrl-C pour finir. Le boîtier n'est pas dérangé.",
    ),
    # --- measure ---
    "measuring": (
        "Measuring on the board; about a minute. Nothing of the journal is touched.",
        "Mesure sur la carte ; environ une minute. Le journal n'est pas touché.",
    ),
    "measured": ("Written to {path}.", "Écrit dans {path}."),
}


def choose_language(asked: str | None) -> str:
    """`asked` if given, else French where the computer speaks French, else English."""
    if asked in LANGUAGES:
        return str(asked)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "fr" if value.lower().startswith("fr") else "en"
    return "fr" if (locale.getlocale()[0] or "").lower().startswith("fr") else "en"


class Words:
    """The texts of one language: `words("key", blank=value)`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key` with its blanks filled. Raises KeyError on an unknown key."""
        return MESSAGES[key][self._index].format(**values)
