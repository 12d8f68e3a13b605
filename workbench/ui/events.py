"""Tying a page's events to functions: private, quiet, and with a user's mistakes said in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

import gradio as gr

from db.errors import UserError

Handler = Callable[..., Any]

OPEN_TRAY = "() => { document.dispatchEvent(new Event('wb-open-tray')); }"
CHANGED = "() => { document.dispatchEvent(new Event('wb-data')); }"
_DONE = "() => { document.dispatchEvent(new Event('wb-done')); }"


def on(
    event: Callable[..., Any], function: Handler | None, inputs: Any = None, outputs: Any = None, **more: Any
) -> Any:
    """Call `function` when `event` happens.

    The listener is no public endpoint and shows no spinner of Gradio's: whatever takes longer than a second is a task.
    A `UserError` is shown as a message that stays until it is closed; Gradio shows those only of listeners that go
    through its queue.

    Args:
        event: a component's listener, `button.click`.
        function: gets the inputs' values and returns the outputs'; None only runs `js`.
        inputs: components, as Gradio takes them.
        outputs: likewise.
        **more: other arguments of Gradio's listeners, such as `js`.

    Returns:
        Gradio's dependency, for `.then` and `.success`.
    """
    settings = {"api_visibility": "private", "show_progress": "hidden"} | more
    return event(None if function is None else said(function), inputs, outputs, **settings)


def act(event: Callable[..., Any], function: Handler, inputs: Any = None, outputs: Any = None, **more: Any) -> Any:
    """Do, as `on` does, what a visitor asked for, and tell the page once it is done (`wb-done`).

    A dialog that asked for it closes then, and notices of earlier mistakes go; see `static/notices.js`.
    """
    done = on(event, function, inputs, outputs, **more)
    on(done.success, None, js=_DONE)
    return done


def change(event: Callable[..., Any], function: Handler, inputs: Any = None, *, failed: bool = True) -> None:
    """Call a function that changes a project's data, and have the widgets of the page load theirs again (`wb-data`).

    Args:
        event: of a widget; every one it sends is handled, also while another one is.
        function: gets the inputs' values and returns nothing.
        inputs: components.
        failed: load again where it failed too, so that a field shows what is, not what was not taken.
    """
    done = act(event, function, inputs, trigger_mode="multiple")
    on(done.success, None, js=CHANGED)
    if failed:  # `then` of Gradio's does not run after an error
        on(done.failure, None, js=CHANGED)


def said(function: Handler) -> Handler:
    """Return the function with user errors turned into messages on the page, which Gradio would show as HTML."""

    @wraps(function)
    def answer(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except UserError as error:
            raise gr.Error(escape(str(error), quote=False), duration=None, title="", print_exception=False) from error

    return answer
