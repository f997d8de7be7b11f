"""Carries messages to browsers by web push (RFC 8030). A browser's address is what its owner's page told us:
only addresses of the push services this deployment names are ever called."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

import httpx

from glovebox.clock import DAY_S
from glovebox.config import Config
from glovebox.keys import Keyring
from glovebox.messages import webpush
from glovebox.messages.carrying import TIMEOUT_S, Refused
from glovebox.messages.schemas import Letter, Receipt
from glovebox.messages.wording import Written

LONGEST_ENDPOINT: Final = 1_000
# As long as somebody may be without network and still want to know.
LIFE_S: Final = 3 * DAY_S
LONGEST_RETRY_S: Final = DAY_S
# A lock screen shows less; all of it stands on the page the notification opens.
LONGEST_BODY: Final = 500
# What asks somebody to do another thing than planned, wakes a sleeping phone (RFC 8030, 5.3).
URGENT: Final = frozenset(
    {"test", "rehouse_moved", "rehouse_offered", "rehouse_told", "risk_over", "wait_booked", "wait_offered"}
)


def origin_of(endpoint: str, services: Sequence[str]) -> str:
    """Scheme and host (and port) of a browser's address. Raises ValueError where it is none of a push service
    in `services`: a host name, `*.` and a domain (both by https on its own port), or a whole origin."""
    if len(endpoint) > LONGEST_ENDPOINT or not (endpoint.isascii() and endpoint.isprintable()):
        raise ValueError("no address")
    if " " in endpoint or "\\" in endpoint:
        raise ValueError("no address")
    try:
        url = httpx.URL(endpoint)
    except httpx.InvalidURL as error:
        raise ValueError("no address") from error
    if url.userinfo or url.fragment:
        raise ValueError("no address of a push service")
    port = f":{url.port}" if url.port is not None else ""
    origin = f"{url.scheme}://{url.host}{port}"
    for service in services:
        if "://" in service:
            if origin == service:
                return origin
        elif url.scheme == "https" and url.port is None and _is_host(url.host, service):
            return origin
    raise ValueError("no address of a push service")


def _is_host(host: str, service: str) -> bool:
    return host.endswith(service[1:]) if service.startswith("*.") else host == service


def path_of(letter: Letter) -> str:
    """Where a message's reader goes: the booking, or the list of messages."""
    reservation_id = letter.facts.get("reservation_id")
    return f"/bookings/{reservation_id}" if reservation_id else "/messages"


class Pusher:
    """Hands a message to the push service of each of a person's devices."""

    def __init__(self, config: Config, keyring: Keyring) -> None:
        self._services, self._contact = config.push_services, config.contact
        self._key = keyring.push_key()

    def send(self, now: int, letter: Letter, written: Written) -> Sequence[Receipt]:
        """All devices at once, so that one slow service costs no more than one. What has no use any more
        is not sent; what a service holds for a sleeping phone ends with its use."""
        ends_at = letter.facts.get("until") or letter.facts.get("ends_at")
        life_s = LIFE_S if ends_at is None else min(LIFE_S, int(ends_at) - now)
        if life_s <= 0:
            raise Refused("expired", is_final=True)
        topic = webpush.encode64(sha256(letter.message_key.encode()).digest()[:24])
        headers = {
            "TTL": str(life_s),
            "Topic": topic,  # a second copy takes the first one's place (RFC 8030, 5.4)
            "Urgency": "high" if letter.kind in URGENT else "normal",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
        }
        shown = {"title": written.subject, "body": written.text[:LONGEST_BODY], "lang": letter.language}
        shown |= {"path": path_of(letter), "tag": topic}
        text = json.dumps(shown, ensure_ascii=False).encode()
        with ThreadPoolExecutor(len(letter.devices)) as threads:
            receipts = list(
                threads.map(lambda device: self._push(now, device, headers, text), letter.devices)
            )
        return _judge(receipts)

    def _push(
        self, now: int, device: tuple[int, str, bytes, bytes], headers: dict[str, str], text: bytes
    ) -> Receipt:
        number, endpoint, receiver, auth = device
        try:
            # Asked again: services may have been taken from the list since the device was added.
            origin = origin_of(endpoint, self._services)
            body = webpush.encrypt(text, receiver, auth)
        except ValueError as error:
            return Receipt(number, "refused", str(error))
        told = {**headers, "Authorization": webpush.authorise(self._key, now, origin, self._contact)}
        try:
            # The answer's body is not read: whoever stands there may send as much as he likes.
            with httpx.stream(
                "POST", endpoint, content=body, headers=told, timeout=TIMEOUT_S, follow_redirects=False
            ) as answer:
                return _receipt(number, answer, now)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Receipt(number, "waits", str(error) or type(error).__name__)


def _receipt(number: int, answer: httpx.Response, now: int) -> Receipt:
    status, said = answer.status_code, f"HTTP {answer.status_code}"
    if answer.is_success:
        return Receipt(number, "taken")
    if status in (404, 410):
        return Receipt(number, "gone", said)
    # Ours to mend (the key, the clock), or theirs: it waits. A redirect is followed nowhere.
    if status in (401, 403, 408, 425, 429) or status >= 500:
        return Receipt(number, "waits", said, _retry_after(answer.headers.get("retry-after", ""), now))
    return Receipt(number, "refused", said)


def _retry_after(text: str, now: int) -> int:
    """Seconds of a `Retry-After`, which may be an HTTP date (RFC 9110, 10.2.3); 0 where it is neither."""
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), LONGEST_RETRY_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0, int((at - datetime.fromtimestamp(now, UTC)).total_seconds())), LONGEST_RETRY_S)


def _judge(receipts: list[Receipt]) -> list[Receipt]:
    """As they are, where some device has it and none waits. Raises Refused."""
    waiting = [one for one in receipts if one.outcome == "waits"]
    if waiting:
        later = max(one.retry_after_s for one in waiting)
        raise Refused(waiting[0].said, is_final=False, retry_after_s=later, receipts=receipts)
    if any(one.outcome == "taken" for one in receipts):
        return receipts
    refused = next((one.said for one in receipts if one.outcome == "refused"), "")
    # Where all are gone, the next try goes the way that is left.
    raise Refused(refused or "no_device", is_final=bool(refused), receipts=receipts)
