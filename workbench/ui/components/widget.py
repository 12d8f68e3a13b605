"""A place in a page that one of our JavaScript modules fills.

The module, `static/widgets/NAME.js`, exports `mount(element, value, emit) -> {update(value)}`. Its value holds ids and
settings only: pictures and tables it fetches itself. The template is constant, so that no text of a user's is ever read
as HTML or as a template.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

_MOUNT = """
const place = element.querySelector(".wb-mount");
import("/static-wb/widgets/%s.js").then((module) => {
  const mounted = module.mount(place, props.value, (name, data) => trigger(name, data));
  watch("value", () => mounted.update(props.value));
}).catch((error) => {
  console.error(error);
  place.textContent = "This part of the page could not be loaded. Reload the page.";
});
// It sends: %s
"""


def widget(name: str, value: Any = None, *, events: Sequence[str] = (), elem_id: str | None = None) -> gr.HTML:
    """Return the component.

    Args:
        name: of the module.
        value: what it starts with; a handler changes it by returning another.
        events: names of what it sends: `widget.cell(function, ...)` then listens to "cell".
        elem_id: id of the element.
    """
    sent = ", ".join(f'"{event}"' for event in events)
    return gr.HTML(
        value,
        html_template='<div class="wb-mount"></div>',
        js_on_load=_MOUNT % (name, sent),
        apply_default_css=False,
        elem_id=elem_id,
    )


def kept_number() -> gr.Number:
    """Return a component that holds a number for the handlers of one tab, such as the project's, and shows nothing.

    No `gr.State`: where there is one, every page holds a connection open for as long as it is there, and a browser has
    six for all its tabs together. With six tabs open none of them would get an answer any more.
    """
    return gr.Number(visible=False, precision=0)


def payload(event: gr.EventData) -> dict[str, Any]:
    """Return what a widget sent along."""
    return dict(event._data)
