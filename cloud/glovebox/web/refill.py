"""A refused form as it was sent: everything typed stands in it again, and the field that is wrong says why.

Done to the drawn page, so that no template and no handler can forget a field. Passwords and files are not
given back.
"""

import re
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Final

from starlette.datastructures import FormData, QueryParams

from glovebox.store.values import one_line

# Templates escape the signs of a tag within their values, so that a tag ends at the first ">".
TAG: Final = re.compile(r"<(/?)(form|details|input|select|option)\b([^>]*)>")
ATTRIBUTE: Final = re.compile(r'\s([a-z-]+)(?:="([^"]*)")?')
NOT_TYPED: Final = ("hidden", "submit", "button", "reset", "image")
NOT_GIVEN_BACK: Final = ("password", "file")
LONGEST: Final = 2_000
"""No field that a person types is longer."""


@dataclass
class _Tag:
    start: int
    end: int
    name: str
    attributes: dict[str, str | None]
    after: str = ""
    is_changed: bool = False

    @property
    def kind(self) -> str:
        return self.name if self.name != "input" else self.attributes.get("type") or "text"

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""

    def set(self, name: str, value: str | None = None) -> None:
        self.attributes[name] = value
        self.is_changed = True

    def switch(self, name: str, is_on: bool) -> None:
        """An attribute without a value."""
        if is_on != (name in self.attributes):
            self.attributes.pop(name, None)
            self.is_changed = True
            if is_on:
                self.attributes[name] = None

    def __str__(self) -> str:
        words = [
            name if value is None else f'{name}="{escape(value)}"' for name, value in self.attributes.items()
        ]
        return f"<{' '.join([self.name, *words])}>"


@dataclass
class _Form:
    tag: _Tag
    around: list[_Tag]
    tags: list[_Tag] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    """Start of a list -> where it ends."""


def refill(
    html: str, method: str, path: str, sent: FormData | QueryParams, wrong: str | None, why: str
) -> tuple[str, bool]:
    """The page with what was sent in the form that sent it; and whether the field `wrong` is there and says
    `why`."""
    those = [one for one in _forms(html) if _is_it(one, method, path, sent)]
    if not those:
        return html, False
    form = max(those, key=lambda one: _likeness(one, sent, wrong))
    for tag in form.around:
        tag.switch("open", True)
    _fill(html, form, sent)
    marked = _mark(form, wrong, why) if wrong else None
    edits = [(one.start, one.end, str(one)) for one in (*form.around, *form.tags) if one.is_changed]
    if marked is not None:
        end = form.ends.get(marked.start, marked.end)
        edits.append((end, end, marked.after))
    for start, end, text in sorted(edits, reverse=True):
        html = html[:start] + text + html[end:]
    return html, marked is not None


def _forms(html: str) -> list[_Form]:
    forms: list[_Form] = []
    around: list[_Tag] = []
    form: _Form | None = None
    select: _Tag | None = None
    for found in TAG.finditer(html):
        closing, name, rest = found.groups()
        values = {one[1]: None if one[2] is None else unescape(one[2]) for one in ATTRIBUTE.finditer(rest)}
        tag = _Tag(found.start(), found.end(), name, values)
        if name == "details":
            around = around[:-1] if closing else [*around, tag]
        elif name == "form":
            form = None if closing else _Form(tag, around)
            forms += [form] if form else []
        elif form is not None and name == "select" and closing:
            if select is not None:
                form.ends[select.start] = tag.end
        elif form is not None and not closing:
            select = tag if name == "select" else select
            form.tags.append(tag)
    return forms


def _is_it(form: _Form, method: str, path: str, sent: FormData | QueryParams) -> bool:
    """The same address and the same hidden fields: a page may have a form for each of many things."""
    is_there = (form.tag.get("method") or "get").upper() == method and form.tag.get("action") == path
    return is_there and all(
        tag.get("value") == sent.get(tag.get("name"), "") for tag in form.tags if tag.kind == "hidden"
    )


def _likeness(form: _Form, sent: FormData | QueryParams, wrong: str | None) -> tuple[bool, int]:
    """Yes and no may be two forms of one address: the one that has what was typed."""
    typed = {tag.get("name") for tag in form.tags if tag.name != "option" and tag.kind not in NOT_TYPED}
    return wrong in typed, len(typed & set(sent))


def _fill(html: str, form: _Form, sent: FormData | QueryParams) -> None:
    chosen: list[str] = []
    for tag in form.tags:
        values = [one_line(one, LONGEST) for one in sent.getlist(tag.get("name")) if isinstance(one, str)]
        if tag.kind in ("checkbox", "radio"):
            tag.switch("checked", (tag.get("value") or "on") in values)
        elif tag.kind == "select":
            chosen = values
        elif tag.kind == "option":
            value = tag.attributes.get("value")
            if value is None:
                value = unescape(html[tag.end : html.index("<", tag.end)]).strip()
            if chosen:
                tag.switch("selected", value in chosen)
        elif tag.kind not in (*NOT_TYPED, *NOT_GIVEN_BACK) and values:
            tag.set("value", values[0])


def _mark(form: _Form, wrong: str, why: str) -> _Tag | None:
    for tag in form.tags:
        if tag.name != "option" and tag.get("name") == wrong and tag.kind not in NOT_TYPED:
            tag.set("aria-invalid", "true")
            tag.set("aria-describedby", " ".join(filter(None, ("wrong", tag.get("aria-describedby")))))
            tag.set("autofocus")
            tag.after = f'<span class="wrong" id="wrong" role="alert">{escape(why)}</span>'
            return tag
    return None
