"""Settings of one deployment. All state lies in one directory unless told otherwise; nothing is read from
the database."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

ENVIRONMENT: Final = {
    "GLOVEBOX_DATABASE_URL": "database_url",
    "GLOVEBOX_HOST": "host",
    "GLOVEBOX_WEB_PORT": "web_port",
    "GLOVEBOX_BOX_PORT": "box_port",
    "GLOVEBOX_SHARE_PORTS": "share_ports",
    "GLOVEBOX_BOX_PLAIN": "box_plain",
    "GLOVEBOX_PUBLIC_HOST": "public_host",
    "GLOVEBOX_PUBLIC_BOX_PORT": "public_box_port",
    "GLOVEBOX_PUBLIC_TIME_PORT": "public_time_port",
    "GLOVEBOX_TIMEZONE": "timezone",
    "GLOVEBOX_SECURE_COOKIES": "secure_cookies",
    "GLOVEBOX_PUBLIC_URL": "public_url",
    "GLOVEBOX_SMTP_HOST": "smtp_host",
    "GLOVEBOX_SMTP_PORT": "smtp_port",
    "GLOVEBOX_SMTP_SECURITY": "smtp_security",
    "GLOVEBOX_SMTP_USER": "smtp_user",
    "GLOVEBOX_SMTP_PASSWORD": "smtp_password",
    "GLOVEBOX_SMTP_FROM": "smtp_from",
    "GLOVEBOX_PUSH_SERVICES": "push_services",
    "GLOVEBOX_SMS_URL": "sms_url",
    "GLOVEBOX_SMS_TOKEN": "sms_token",
}
"""Variable -> setting; GLOVEBOX_DIRECTORY (default `./glovebox-data`) is read first."""

# Of Chrome and Edge on Android, Firefox, Edge on Windows, Safari: no other address is ever called.
PUSH_SERVICES: Final = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.notify.windows.com",
    "*.push.apple.com",
)


@dataclass(frozen=True)
class Config:
    """One deployment. `directory` holds the key file, the certificates and, by default, the SQLite
    database."""

    directory: Path
    database_url: str = ""
    """Empty: SQLite in `directory`. PostgreSQL: `postgresql+psycopg://user@host/database`."""
    host: str = "127.0.0.1"
    web_port: int = 8000
    """Plain HTTP: console, API, `/box/v1/time`. 0: any free port."""
    box_port: int = 8443
    """TLS: `/box/v1/...`. 0: any free port."""
    share_ports: bool = False
    """True: other `serve` processes of this machine listen on the same ports, and the kernel deals new
    connections out among them."""
    box_plain: bool = False
    """True where a proxy with the deployment's certificate (`tls/server.pem`) ends the boxes' TLS."""
    public_host: str = "localhost"
    """The name boxes connect to; it stands in the server's certificate."""
    public_box_port: int = 0
    """The port boxes connect to, where it differs from `box_port` (0: the same)."""
    public_time_port: int = 0
    """The port boxes ask the time at, where it differs from `web_port` (0: the same)."""
    timezone: str = "Europe/Paris"
    """Of the sites that have none of their own, and of days on pages of several sites; tables hold UTC."""
    secure_cookies: bool = False
    """True where browsers reach the web port through TLS."""
    public_url: str = ""
    """Where browsers reach the web port, for links in mails (`https://cars.town.example`). Empty: no link."""
    smtp_host: str = ""
    """The mail server that takes messages. Empty: no mail leaves, messages stay on each person's page."""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    """`starttls`, `tls` (from the first byte) or `none` (a relay on this machine)."""
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    smtp_from: str = "glovebox@localhost"
    push_services: tuple[str, ...] = PUSH_SERVICES
    """Where web push may go: host names, `*.` and a domain, or whole origins (`https://push.example:8443`).
    Empty: no push."""
    sms_url: str = ""
    """Takes `{"id", "to", "text"}` by POST. Empty: no SMS leaves."""
    sms_token: str = field(default="", repr=False)
    """Bearer token for `sms_url`."""
    heartbeat_s: int = 840
    """A box's longest silence on an open link: under the 15 minutes at which the first carriers drop an
    idle flow, and 14 minutes cost about a fifth of the 2 MB a month that a car may use."""
    greeting_s: int = 60
    """A link on which no box has said who it is by then is closed: a handshake and an envelope over a slow
    modem take some seconds, and anybody may open connections."""
    writer_queue: int = 4_000
    """Jobs waiting for the writer before requests get 503: about a second of work on two cores."""

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.directory / 'glovebox.sqlite'}"

    @property
    def contact(self) -> str:
        """Whom the people of a push service would write to (RFC 8292, 2.1)."""
        is_page = self.public_url.startswith("https://")
        return self.public_url if is_page else f"mailto:{self.smtp_from}"

    @property
    def key_path(self) -> Path:
        """The master keys: outside the database and outside its backups."""
        return self.directory / "keys.json"

    @property
    def tls_directory(self) -> Path:
        """The deployment's certificate authority and the server's certificate."""
        return self.directory / "tls"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Config":
        """Reads what `ENVIRONMENT` names; what is not set keeps its default. Raises ValueError for a port
        that is no number, and for an unknown `smtp_security`."""
        config = cls(Path(environment.get("GLOVEBOX_DIRECTORY", "glovebox-data")))
        texts = {
            name: environment[variable] for variable, name in ENVIRONMENT.items() if variable in environment
        }
        values: dict[str, Any] = dict(texts)
        for name in ("web_port", "box_port", "public_box_port", "public_time_port", "smtp_port"):
            if name in texts:
                values[name] = int(texts[name])
        if "push_services" in texts:
            values["push_services"] = tuple(texts["push_services"].replace(",", " ").split())
        for name in ("box_plain", "secure_cookies", "share_ports"):
            if name in texts:
                values[name] = texts[name] == "1"
        if texts.get("smtp_security", "none") not in ("starttls", "tls", "none"):
            raise ValueError("GLOVEBOX_SMTP_SECURITY is starttls, tls or none")
        return replace(config, **values)
