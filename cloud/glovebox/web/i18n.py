"""The pages' languages: catalogues, the choice of one, and dates and numbers as a reader writes them.

Source texts are English and stand in templates and code; `locale/<language>.po` holds the other languages
and is read at start, without a compiling step. A test holds templates, code and catalogues together: nothing
untranslated, nothing stale.
"""

import gettext
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from glovebox.words.quantities import BABEL_LOCALE, Quantity, write_number, write_quantity

LOCALES = Path(__file__).resolve().parent / "locale"
LANGUAGES = ("fr", "en")
DEFAULT_LANGUAGE = "fr"
# Names in the language itself: what a person who reads only that language looks for.
LANGUAGE_NAMES = {"fr": "Français", "en": "English"}
DEFAULT_ZONE = "Europe/Paris"


def _(text: str) -> str:
    """Mark a text for translation where no language is known yet."""
    return text


@lru_cache(maxsize=len(LANGUAGES))
def load_translations(language: str) -> gettext.NullTranslations:
    """The catalogue of `language`; English needs none. Raises KeyError for a language that is not offered."""
    if language not in LANGUAGES:
        raise KeyError(language)
    path = LOCALES / f"{language}.po"
    if not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def choose_language(chosen: str | None, accept_language: str) -> str:
    """The language to answer in: the person's choice, else the best of `Accept-Language`, else French."""
    if chosen in LANGUAGES:
        return str(chosen)
    wanted: list[tuple[float, int, str]] = []
    for index, part in enumerate(accept_language[:500].split(",")):
        tag, _semicolon, parameter = part.strip().partition(";")
        quality = 1.0
        if parameter.strip().startswith("q="):
            try:
                quality = float(parameter.strip()[2:])
            except ValueError:
                quality = 0.0
        primary = tag.strip().lower().split("-")[0]
        if primary in LANGUAGES and quality > 0:
            wanted.append((-quality, index, primary))
    return min(wanted)[2] if wanted else DEFAULT_LANGUAGE


@dataclass(frozen=True)
class Speech:
    """One reader's language and zone: every text, date and number of a page goes through it."""

    language: str
    now_s: int
    zone_name: str = DEFAULT_ZONE
    names_place: bool = False
    translations: gettext.NullTranslations = field(init=False, repr=False)
    zone: ZoneInfo = field(init=False, repr=False)
    locale: Locale = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "translations", load_translations(self.language))
        object.__setattr__(self, "zone", ZoneInfo(self.zone_name))
        object.__setattr__(self, "locale", Locale.parse(BABEL_LOCALE[self.language]))

    def at(self, zone_name: str) -> "Speech":
        """The same reader, told the times of another place's clock, which are said to be so."""
        if zone_name == self.zone_name:
            return self
        return Speech(self.language, self.now_s, zone_name, names_place=True)

    def gettext(self, text: str, **values: object) -> str:
        """The text in this language, its %(name)s filled."""
        translated = self.translations.gettext(text)
        return translated % values if values else translated

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """As `gettext`, by count; %(num)s is the count."""
        return self.translations.ngettext(one, many, count) % {"num": count, **values}

    def local(self, at_s: int) -> datetime:
        """The instant on the site's clock."""
        return datetime.fromtimestamp(at_s, UTC).astimezone(self.zone)

    @property
    def city(self) -> str:
        """The zone's city, as a clerk knows it: `Paris`."""
        return self.zone_name.rsplit("/", maxsplit=1)[-1].replace("_", " ")

    @property
    def today(self) -> date:
        return self.local(self.now_s).date()

    def time(self, at_s: int) -> str:
        """`14:05`."""
        return format_time(self.local(at_s), "HH:mm", locale=self.locale)

    def day(self, day: date) -> str:
        """`today`, `tomorrow`, `yesterday`, else `Friday 21 November`, with the year when it is another."""
        distance = (day - self.today).days
        near = {-1: self.gettext("yesterday"), 0: self.gettext("today"), 1: self.gettext("tomorrow")}
        if distance in near:
            return near[distance]
        pattern = "EEEE d MMMM" if day.year == self.today.year else "EEEE d MMMM yyyy"
        return self._date(day, pattern)

    def _date(self, day: date, pattern: str) -> str:
        if self.language == "fr" and day.day == 1:  # in French the first alone is an ordinal: 1er mars
            pattern = pattern.replace(" d ", " d'er' ")
        return format_date(day, pattern, locale=self.locale)

    def full_day(self, day: date) -> str:
        """`Friday 21 November 2025`, never a relative word."""
        return self._date(day, "EEEE d MMMM yyyy")

    def short_day(self, day: date) -> str:
        """`Fri 21 Nov`, with the year when it is another."""
        pattern = "EEE d MMM" if day.year == self.today.year else "EEE d MMM yyyy"
        return self._date(day, pattern)

    def when(self, at_s: int) -> str:
        """`today 14:05`, `Friday 21 November 14:05`."""
        return self._placed(self._when(at_s))

    def _placed(self, text: str) -> str:
        return f"{text} ({self.city})" if self.names_place else text

    def _when(self, at_s: int) -> str:
        return self.gettext(
            "%(day)s at %(time)s", day=self.day(self.local(at_s).date()), time=self.time(at_s)
        )

    def instant(self, at_s: int) -> str:
        """`Fri 21 Nov, 14:05:09`: for journals, where seconds count."""
        local = self.local(at_s)
        return self._placed(f"{self.short_day(local.date())}, {local:%H:%M:%S}")

    def interval(self, starts_s: int, ends_s: int) -> str:
        """`today, 09:00 to 11:30`, or both days where they differ."""
        first, last = self.local(starts_s).date(), self.local(ends_s).date()
        if first == last:
            start, end = self.time(starts_s), self.time(ends_s)
            text = self.gettext("%(day)s, %(start)s to %(end)s", day=self.day(first), start=start, end=end)
        else:
            start, end = self._when(starts_s), self._when(ends_s)
            text = self.gettext("%(start)s to %(end)s", start=start, end=end)
        return self._placed(text)

    def span(self, starts_s: int, ends_s: int | None) -> str:
        """An interval whose end nobody may know."""
        if ends_s is None:
            return self.gettext("from %(start)s until further notice", start=self.when(starts_s))
        return self.interval(starts_s, ends_s)

    def ago(self, at_s: int) -> str:
        """`just now`, `5 min ago`, `3 h ago`, `2 days ago`; the future counts as now (clocks differ)."""
        seconds = max(0, self.now_s - at_s)
        if seconds < 60:
            return self.gettext("just now")
        if seconds < 3600:
            return self.ngettext("%(num)s min ago", "%(num)s min ago", seconds // 60)
        if seconds < 86400:
            return self.ngettext("%(num)s h ago", "%(num)s h ago", seconds // 3600)
        return self.ngettext("%(num)s day ago", "%(num)s days ago", seconds // 86400)

    def lasting(self, seconds: int) -> str:
        """`45 min`, `2 h 30`, `3 days 4 h`."""
        minutes = max(0, seconds) // 60
        days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
        if days:
            text = self.ngettext("%(num)s day", "%(num)s days", days)
            return f"{text} {hours} h" if hours else text
        if hours:
            return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"
        return f"{minutes} min"

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with this language's marks."""
        return write_number(self.language, value, decimals)

    def quantity(self, value: float, unit: str, decimals: int = 0) -> str:
        """`12.6 V`, `65%`."""
        return write_quantity(self.language, Quantity(value, unit, decimals))

    def kilometres(self, distance_m: int) -> str:
        """`23.3 km`."""
        return self.quantity(distance_m / 1000, "km", 1)

    def litres(self, fuel_ml: int) -> str:
        """`1.4 L`."""
        return self.quantity(fuel_ml / 1000, "L", 1)

    def volts(self, battery_mv: int) -> str:
        """`12.6 V`."""
        return self.quantity(battery_mv / 1000, "V", 1)

    def percent(self, value: int) -> str:
        """`65%`."""
        return self.quantity(value, "%")

    def template_globals(self) -> dict[str, Callable[..., str]]:
        """What a template calls a text by."""
        return {"_": self.gettext, "gettext": self.gettext, "ngettext": self.ngettext}
