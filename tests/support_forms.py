"""The forms of a page as a browser has them: fields, what they would send, and what marks them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

TYPED = ("text", "search", "email", "tel", "password", "date", "time", "number", "file")


@dataclass
class Field:
    """One name of a form. Of radios and checkboxes each choice has its own attributes."""

    name: str
    kind: str
    attributes: list[dict[str, str | None]] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    value: str | None = None
    """What the form would send as it stands; None for nothing."""
    at: int | None = None
    """Which choice of a list stands there."""

    @property
    def is_required(self) -> bool:
        """True where a browser holds an empty one back."""
        return any("required" in one for one in self.attributes)

    @property
    def is_numeric(self) -> bool:
        """True where a number is asked for."""
        first = self.attributes[0]
        return self.kind == "number" or first.get("inputmode") in ("numeric", "decimal")


@dataclass
class Form:
    """A form as drawn."""

    method: str
    action: str
    fields: dict[str, Field] = field(default_factory=dict)
    button: dict[str, str] = field(default_factory=dict)
    """What its first button sends."""

    @property
    def shown(self) -> dict[str, Field]:
        """Its fields that a person sees."""
        return {name: one for name, one in self.fields.items() if one.kind != "hidden"}

    @property
    def values(self) -> dict[str, str]:
        """What it would send as it stands."""
        return {name: one.value for name, one in self.fields.items() if one.value is not None}


class Reader(HTMLParser):
    """The forms of a page, the texts of what has an id, and every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._form: Form | None = None
        self._select: Field | None = None
        self._has_no_value = False
        self._open: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a field."""
        named = dict(attrs)
        self.tags.append((tag, named))
        if tag not in ("input", "br", "img", "link", "meta", "hr"):
            self._open.append((tag, named.get("id")))
        if tag == "form":
            self._form = Form(named.get("method") or "get", named.get("action") or "")
            self.forms.append(self._form)
        elif tag == "option" and self._select is not None:
            self._choose(named)
        elif tag == "button" and self._form is not None and named.get("name") and not self._form.button:
            self._form.button = {named["name"] or "": named.get("value") or ""}
        elif tag in ("input", "select") and self._form is not None and named.get("name"):
            kind = "select" if tag == "select" else named.get("type") or "text"
            self._note(kind, named)

    def _note(self, kind: str, named: dict[str, str | None]) -> None:
        assert self._form is not None
        one = self._form.fields.setdefault(named["name"] or "", Field(named["name"] or "", kind))
        one.attributes.append(named)
        if kind == "select":
            self._select = one
        elif kind in ("radio", "checkbox"):
            one.choices.append(named.get("value") or "on")
            if "checked" in named:
                one.value = one.choices[-1]
        else:
            one.value = named.get("value") or ""

    def _choose(self, named: dict[str, str | None]) -> None:
        assert self._select is not None
        self._has_no_value = "value" not in named
        self._select.choices.append(named.get("value") or "")
        if "selected" in named or self._select.at is None:
            self._select.at = len(self._select.choices) - 1

    def handle_endtag(self, tag: str) -> None:
        """Closes forms and lists."""
        if tag == "form":
            self._form = None
        elif tag == "option":
            self._has_no_value = False
        elif tag == "select" and self._select is not None:
            self._select.value = self._select.choices[self._select.at or 0] if self._select.choices else None
            self._select = None
        while self._open:
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        """Text belongs to everything open around it; it is what an option sends that has no value."""
        if self._has_no_value and self._select is not None:
            self._select.choices[-1] += data.strip()
        for _tag, named in self._open:
            if named:
                self.texts[named] = self.texts.get(named, "") + data
