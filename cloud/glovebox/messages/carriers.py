"""What carries a message out of the house: SMTP (RFC 5321, RFC 6409), web push, an HTTP hook for SMS.

Both block; they are called in a thread, with no transaction open.
"""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import formatdate

import httpx

from glovebox.config import Config
from glovebox.keys import Keyring
from glovebox.messages.carrying import TIMEOUT_S, Carrier, Refused
from glovebox.messages.push import Pusher
from glovebox.messages.schemas import Letter, Receipt
from glovebox.messages.wording import Written


class Mailer:
    """Hands mail to the deployment's own server."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def send(self, now: int, letter: Letter, written: Written) -> Sequence[Receipt]:
        """One connection a mail: a fleet sends some dozens a day."""
        config = self._config
        mail = EmailMessage()
        try:
            mail["From"], mail["To"], mail["Subject"] = config.smtp_from, letter.address, written.subject
        except ValueError as error:  # a line's end in an address: it would begin another header
            raise Refused(f"no address: {error}", is_final=True) from error
        mail["Date"] = formatdate(now)
        mail["Message-ID"] = f"<{letter.message_key}@{config.public_host}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(written.text)
        try:
            with self._connect() as server:
                if config.smtp_user:
                    server.login(config.smtp_user, config.smtp_password)
                # One person's address is one recipient, whatever commas it has.
                server.send_message(mail, to_addrs=[letter.address])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise Refused(_said(code, text), is_final=500 <= code < 600) from error
        except smtplib.SMTPResponseException as error:
            # A refused login or sender is ours to mend: the mail waits.
            raise Refused(_said(error.smtp_code, error.smtp_error), is_final=False) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise Refused(str(error) or type(error).__name__, is_final=False) from error
        return ()

    def _connect(self) -> smtplib.SMTP:
        config = self._config
        where = (config.smtp_host, config.smtp_port)
        if config.smtp_security == "tls":
            return smtplib.SMTP_SSL(*where, timeout=TIMEOUT_S, context=ssl.create_default_context())
        server = smtplib.SMTP(*where, timeout=TIMEOUT_S)
        if config.smtp_security == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server


class SmsHook:
    """Posts `{"id", "to", "text"}` as JSON to the deployment's SMS service, with its token as bearer. Any
    answer of status 2xx takes it; 4xx but 408, 425, 429 refuses it for good."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def send(self, now: int, letter: Letter, written: Written) -> Sequence[Receipt]:
        """The key stands in the body and in the header `Idempotency-Key`."""
        body = {"id": letter.message_key, "to": letter.address, "text": written.text}
        headers = {"Idempotency-Key": letter.message_key}
        if self._config.sms_token:
            headers["Authorization"] = f"Bearer {self._config.sms_token}"
        try:
            answer = httpx.post(self._config.sms_url, json=body, headers=headers, timeout=TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Refused(str(error) or type(error).__name__, is_final=False) from error
        if not answer.is_success:
            is_final = 400 <= answer.status_code < 500 and answer.status_code not in (401, 403, 408, 425, 429)
            raise Refused(f"HTTP {answer.status_code}", is_final=is_final)
        return ()


def make_carriers(config: Config, keyring: Keyring) -> Mapping[str, Carrier]:
    """The ways this deployment has set up."""
    carriers: dict[str, Carrier] = {}
    if config.smtp_host:
        carriers["mail"] = Mailer(config)
    if config.push_services:
        carriers["push"] = Pusher(config, keyring)
    if config.sms_url:
        carriers["sms"] = SmsHook(config)
    return carriers


def _said(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
