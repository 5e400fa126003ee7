"""Clicks and keys on the canvas, told to whoever asks, without getting in napari's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from napari.components import ViewerModel

# Keys that napari 0.9 leaves free: arrows step through its dimensions, letters and digits choose its tools.
KEYS: Mapping[str, str] = {
    "next_well": "PageDown",
    "previous_well": "PageUp",
    "next_field": ".",
    "previous_field": ",",
    "next_hit": "N",
    "beside_control": "/",
    "more_like_this": "M",
}
"""What each key does; :func:`bind_keys` binds them."""


def on_click(viewer: ViewerModel, tell: Callable[[tuple[float, ...]], None]) -> Callable[..., Any]:
    """Call ``tell`` with the world position of every left click that is no drag.

    Returns
    -------
    callable
        The callback, so that it can be taken out of ``viewer.mouse_drag_callbacks`` again.
    """

    def clicked(viewer: ViewerModel, event: Any) -> Iterator[None]:
        if event.button != 1 or event.modifiers:
            return
        start = event.pos
        yield
        while event.type == "mouse_move":
            yield
        # The hand trembles: three pixels of the screen are still a click.
        if max(abs(event.pos[0] - start[0]), abs(event.pos[1] - start[1])) <= 3:
            tell(tuple(event.position))

    viewer.mouse_drag_callbacks.append(clicked)
    return clicked


def bind_keys(viewer: ViewerModel, actions: Mapping[str, Callable[[], None]]) -> None:
    """Bind the keys of :data:`KEYS` on this viewer to the named actions."""
    for name, action in actions.items():
        viewer.bind_key(KEYS[name], _pressed(action), overwrite=True)


def _pressed(action: Callable[[], None]) -> Callable[[Any], None]:
    def pressed(viewer: Any) -> None:
        action()

    return pressed
