"""Bookings as iCalendar (RFC 5545), written by the library `icalendar`.

A booking keeps its UID; SEQUENCE grows with each change (seconds since it was made), and a booking given back
stays as CANCELLED, so that calendars take it out. Times are local ones of the car's site with the zone's
definition in the file; in the hour that autumn brings twice, UTC, because a local time would mean the first.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vGeo, vUri
from sqlalchemy import Connection

from glovebox.config import Config
from glovebox.fleet import service as fleet
from glovebox.fleet.schemas import Site, Vehicle
from glovebox.policies.calendars import load_calendars
from glovebox.reservations.schemas import Reservation
from glovebox.scope import SYSTEM
from glovebox.web.i18n import Speech
from glovebox.web.words import Words

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
# How often a calendar may ask again.
REFRESH: Final = timedelta(hours=1)
_STATUS: Final[Mapping[str, str]] = {
    "pending": "TENTATIVE",
    "confirmed": "CONFIRMED",
    "in_use": "CONFIRMED",
    "completed": "CONFIRMED",
}


def write(tx: Connection, config: Config, language: str, bookings: Iterable[Reservation]) -> bytes:
    """These bookings, which the reader may see, as a calendar."""
    calendar = Calendar()
    calendar.add("prodid", "-//Glovebox//Glovebox//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Glovebox")
    calendar.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    bookings = list(bookings)
    cars = {number: fleet.get_vehicle(tx, SYSTEM, number) for number in {one.vehicle_id for one in bookings}}
    sites = {site.id: site for site in fleet.list_sites(tx)}
    zones = {number: one.zone for number, one in load_calendars(tx, sites).items()}
    speech = Speech(language, 0, config.timezone)
    for one in bookings:
        car = cars[one.vehicle_id]
        calendar.add_component(_event(config, speech, one, car, sites[one.site_id], zones[one.site_id]))
    calendar.add_missing_timezones()
    content: bytes = calendar.to_ical()
    return content


def _event(
    config: Config, speech: Speech, one: Reservation, car: Vehicle, site: Site, zone: ZoneInfo
) -> Event:
    event = Event()
    event.add("uid", f"reservation-{one.id}@{config.public_host}")
    event.add("sequence", max(0, one.changed_at - one.created_at))
    changed = datetime.fromtimestamp(one.changed_at, UTC)
    event.add("dtstamp", changed)
    event.add("last-modified", changed)
    event.add("dtstart", _local(one.starts_at, zone))
    event.add("dtend", _local(one.ends_at, zone))
    event.add("status", _STATUS.get(one.state, "CANCELLED"))
    event.add("summary", f"{car.registration} {car.make} {car.model}")
    is_at_home = car.bay and car.site_id == site.id
    bay = speech.gettext("bay %(bay)s") % {"bay": car.bay} if is_at_home else ""
    event.add("location", ", ".join(part for part in (site.name, bay, site.address) if part))
    event.add("geo", vGeo((site.lat_e7 / 1e7, site.lon_e7 / 1e7)))
    lines = [Words(speech).reservation(one.state).text, one.purpose]
    if config.public_url:
        address = f"{config.public_url.rstrip('/')}/bookings/{one.id}"
        event.add("url", vUri(address))
        lines.append(address)
    event.add("description", "\n".join(line for line in lines if line))
    return event


def _local(at: int, zone: ZoneInfo) -> datetime:
    instant = datetime.fromtimestamp(at, UTC)
    local = instant.astimezone(zone)
    return instant if local.fold else local
