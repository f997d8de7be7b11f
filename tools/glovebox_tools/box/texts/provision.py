"""What the tool says of cloud, token, Wi-Fi and identity: key: (English, French)."""

TEXTS: dict[str, tuple[str, str]] = {
    "cloud_no_address": (
        "{url} is no address of a server. The token was not used.\n"
        "  It looks like https://cloud.example.org:8443; the administrator has it.",
        "{url} n'est pas une adresse de serveur. Le jeton n'a pas été utilisé.\n"
        "  Elle ressemble à https://cloud.example.org:8443 ; l'administrateur l'a.",
    ),
    "ca_unreadable": (
        "{file} is no CA certificate (PEM): {reason}. The token was not used.\n"
        "  The administrator has the deployment's: `tls/ca.pem` of the cloud's directory.",
        "{file} n'est pas un certificat d'autorité (PEM) : {reason}. Le jeton n'a pas été utilisé.\n"
        "  L'administrateur a celui du déploiement : `tls/ca.pem` du dossier du serveur.",
    ),
    "cloud_other": (
        "{url} answers {status}: it is not the boxes' server. The token was not used.\n"
        "  The boxes' server has a port of its own, as 8443; the console's address will not do.",
        "{url} répond {status} : ce n'est pas le serveur des boîtiers. Le jeton n'a pas été "
        "utilisé.\n"
        "  Le serveur des boîtiers a son propre port, par exemple 8443 ; l'adresse de la console ne "
        "convient pas.",
    ),
    "cloud_silent": (
        "The cloud at {url} did not finish its answer: {reason}\n"
        "  The token may be used by now. Repeat; if it is refused, make a new one at the vehicle's "
        "page.",
        "Le serveur {url} n'a pas terminé sa réponse : {reason}\n"
        "  Le jeton a peut-être servi. Recommencez ; s'il est refusé, créez-en un autre sur la page "
        "du véhicule.",
    ),
    "box_used_up": (
        "This box has been given 255 identities, and there are no more.\n  Replace it.",
        "Ce boîtier a déjà reçu 255 identités, il n'y en a plus.\n  Remplacez-le.",
    ),
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
        "  Give the deployment's CA file with --ca (the administrator has it). The token was not "
        "used.",
        "Le certificat de {url} n'est pas reconnu : {reason}\n"
        "  Indiquez le fichier de l'autorité du déploiement avec --ca (l'administrateur l'a). Le "
        "jeton n'a pas été utilisé.",
    ),
    "token_refused": (
        "The cloud does not accept this claim token: it is unknown, used or too old. Nothing was "
        "changed on the box.\n"
        "  It is valid once and for 15 minutes. Make a new one at the vehicle's page in the console.",
        "Le serveur n'accepte pas ce jeton : inconnu, déjà utilisé ou trop ancien. Rien n'a été "
        "modifié sur le boîtier.\n"
        "  Il vaut une seule fois et 15 minutes. Créez-en un autre sur la page du véhicule dans la "
        "console.",
    ),
    "cloud_failed": (
        "The cloud at {url} answered {status}: {reason}\n"
        "  Try again later; if the token no longer works then, make a new one in the console.",
        "Le serveur {url} a répondu {status} : {reason}\n"
        "  Réessayez plus tard ; si le jeton ne marche plus alors, créez-en un autre dans la console.",
    ),
    "bundle_bad": (
        "The cloud's answer is not an identity this tool understands: {reason}\n"
        "  The tool and the cloud are of different versions: update the older one, then make a new "
        "token.",
        "La réponse du serveur n'est pas une identité que cet outil comprend : {reason}\n"
        "  L'outil et le serveur sont de versions différentes : mettez à jour le plus ancien, puis "
        "créez un nouveau jeton.",
    ),
    "claimed": (
        "Claimed: box {box_id} for vehicle {vehicle}.",
        "Identité obtenue : boîtier {box_id} pour le véhicule {vehicle}.",
    ),
    "wifi_password": ("Password of the Wi-Fi network {ssid}: ", "Mot de passe du réseau Wi-Fi {ssid} : "),
    "wifi_bad": (
        "{ssid!r} with this password is no Wi-Fi network: a name has 1 to 32 bytes, a password none "
        "or 8 to 63.",
        "{ssid!r} avec ce mot de passe n'est pas un réseau Wi-Fi : un nom a 1 à 32 octets, un mot de "
        "passe aucun ou 8 à 63.",
    ),
    "wifi_too_many": (
        "{count} Wi-Fi networks; a box keeps at most {most}.\n"
        "  Leave out those farthest from the car's sites.",
        "{count} réseaux Wi-Fi ; un boîtier en garde au plus {most}.\n"
        "  Omettez les plus éloignés des stations de la voiture.",
    ),
    "wifi_files_too_many": (
        "{files} password files for {networks} networks.\n"
        "  Give one --wifi-password-file for each --wifi, in the same order.",
        "{files} fichiers de mot de passe pour {networks} réseaux.\n"
        "  Donnez un --wifi-password-file par --wifi, dans le même ordre.",
    ),
    "no_password": (
        "No password given for the Wi-Fi network {ssid}.\n"
        "  Type it when asked, or give a file with --wifi-password-file.",
        "Pas de mot de passe pour le réseau Wi-Fi {ssid}.\n"
        "  Tapez-le quand il est demandé, ou indiquez un fichier avec --wifi-password-file.",
    ),
    "wifi_trying": ("The box tries to join: {names} ...", "Le boîtier essaie de rejoindre : {names} ..."),
    "wifi_joined": ("  {ssid}: joined.", "  {ssid} : rejoint."),
    "wifi_not_heard": (
        "  {ssid}: not heard here. Good if it is only where the car stands; else check its name.",
        "  {ssid} : pas capté ici. Normal s'il n'existe que là où la voiture stationne ; sinon "
        "vérifiez son nom.",
    ),
    "wifi_not_joined": (
        "  {ssid}: heard, but not joined (status {status}). Check the password, and that it gives addresses.",
        "  {ssid} : capté, mais pas rejoint (état {status}). Vérifiez le mot de passe, et qu'il "
        "donne des adresses.",
    ),
    "wifi_password_wrong": (
        "The Wi-Fi network {ssid} refuses this password. Nothing was changed; the token was not "
        "used.\n"
        "  Repeat with the right one.",
        "Le réseau Wi-Fi {ssid} refuse ce mot de passe. Rien n'a été modifié ; le jeton n'a pas été "
        "utilisé.\n"
        "  Recommencez avec le bon.",
    ),
    "file_unreadable": (
        "{reason}\n  Check the file's name.",
        "{reason}\n  Vérifiez le nom du fichier.",
    ),
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
        "  Créez un nouveau jeton dans la console et recommencez : les clés qui viennent d'être "
        "créées ne valent alors plus.",
    ),
    "identity_differs": (
        "The box does not hold what the cloud gave: {fields} differ.\n"
        "  Make a new token in the console and provision again.",
        "Le boîtier ne contient pas ce que le serveur a donné : {fields} diffèrent.\n"
        "  Créez un nouveau jeton dans la console et recommencez.",
    ),
    "provisioned": (
        "Done: the box holds its identity, read back and compared; it starts now.\n"
        "  Where it has a network, the vehicle's page in the console shows it within a minute.",
        "Terminé : le boîtier contient son identité, relue et comparée ; il démarre.\n"
        "  S'il a du réseau, la page du véhicule dans la console l'affiche dans la minute.",
    ),
}
