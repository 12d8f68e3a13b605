"""HTML out of elements: what is a text cannot become markup, as the serializer escapes it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree as ET

from training.evaluation.reporting.tables import Table
from training.evaluation.reporting.words import plain

Child = ET.Element | str

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a page may do: show what lies in it. Nothing in it may run, nor fetch."""


def h(tag: str, attributes: Mapping[str, str] | None = None, *children: Child) -> ET.Element:
    """Return an element with children, which are elements and texts."""
    element = ET.Element(tag, {name: plain(value) for name, value in (attributes or {}).items()})
    last: ET.Element | None = None
    for child in children:
        if isinstance(child, ET.Element):
            element.append(child)
            last = child
        elif last is None:
            element.text = (element.text or "") + plain(child)
        else:
            last.tail = (last.tail or "") + plain(child)
    return element


def document(element: ET.Element) -> str:
    """Return a whole page."""
    return f"<!DOCTYPE html>\n{ET.tostring(element, encoding='unicode', method='html')}\n"


def data_uri(content: bytes, media_type: str) -> str:
    """Return a file as an address that needs no network."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def picture(content: bytes, media_type: str, alt: str) -> ET.Element:
    """Return a picture that lies in the page itself."""
    return h("img", {"src": data_uri(content, media_type), "alt": alt})


def table(of: Table, colors: Mapping[str, str] | None = None, bar: str | None = None) -> ET.Element:
    """Return a table.

    Args:
        of: the table.
        colors: `#rrggbb` of what stands in the first column, as a patch before it.
        bar: key of the column whose fractions are drawn as bars, too.
    """
    kinds = ["text" if column.kind == "text" else "number" for column in of.columns]
    head = h("tr", {}, *(h("th", {"class": kind}, c.label) for c, kind in zip(of.columns, kinds, strict=True)))
    body = []
    for values, texts in zip(of.rows, of.texts(), strict=True):
        cells: list[ET.Element] = []
        for column, kind, value, text in zip(of.columns, kinds, values, texts, strict=True):
            about = {"class": kind + (" missing" if value is None else "")}
            if column.key == bar and isinstance(value, float):
                about = {"class": f"{kind} bar", "style": f"--share: {100 * value:.1f}%"}
            patch = [swatch(colors[str(value)])] if colors and not cells and str(value) in colors else []
            cells.append(h("td", about, *patch, h("bdi", {}, text)))
        body.append(h("tr", {}, *cells))
    return h("div", {"class": "table"}, h("table", {}, h("thead", {}, head), h("tbody", {}, *body)))


def pairs(rows: Iterable[Sequence[str]], look: str) -> ET.Element:
    """Return names, each with what is said of it, as a list that looks so."""
    each = (h("div", {}, h("dt", {}, name), h("dd", {}, h("bdi", {}, value))) for name, value in rows)
    return h("dl", {"class": look}, *each)


def swatch(color: str) -> ET.Element:
    """Return a patch of a class's colour."""
    return h("span", {"class": "swatch", "style": f"background: {color}"})
