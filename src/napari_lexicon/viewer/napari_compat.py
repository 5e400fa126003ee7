"""The one place that knows how napari versions differ (0.7 to 0.9) and where its docks are."""

from __future__ import annotations

from contextlib import nullcontext
from inspect import signature
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from napari.components import ViewerModel
    from napari.layers import Layer


_FREEING: WeakSet[Any] = WeakSet()


def unwrapped(viewer: Any) -> Any:
    """The viewer itself: plugins are handed a short-lived proxy of it, of no use as a weak key."""
    return getattr(viewer, "__wrapped__", viewer)


def text_overlay(viewer: ViewerModel) -> Any:
    """Text on the canvas. ``viewer.text_overlay`` moved to ``viewer.canvas.overlays.text`` in 0.9."""
    canvas = getattr(viewer, "canvas", None)
    return canvas.overlays.text if canvas is not None else viewer.text_overlay


def scale_bar(viewer: ViewerModel) -> Any:
    """Scale bar. ``viewer.scale_bar`` moved to ``viewer.canvas.overlays.scale_bar`` in 0.9."""
    canvas = getattr(viewer, "canvas", None)
    return canvas.overlays.scale_bar if canvas is not None else viewer.scale_bar


def camera(viewer: ViewerModel) -> Any:
    """Camera. ``viewer.camera`` moved to ``viewer.scene.camera`` in 0.9."""
    scene = getattr(viewer, "scene", None)
    return scene.camera if scene is not None else viewer.camera


def fit_view(viewer: ViewerModel, layers: Sequence[Layer]) -> None:
    """Look at the whole of these layers. napari before 0.9 looks at all layers that there are."""
    if "layers" in signature(viewer.reset_view).parameters:
        viewer.reset_view(layers=layers)
    else:
        viewer.reset_view()


def name_on_canvas(layer: Any, color: str | None) -> None:
    """Write a layer's name on the canvas in a colour, or take it away (None). napari before 0.9 has no such overlay."""
    overlay = getattr(layer, "name_overlay", None)
    if overlay is None:
        return
    if color is not None:
        overlay.color, overlay.position, overlay.font_size = color, "bottom_left", 9
    if overlay.visible != (color is not None):
        overlay.visible = color is not None


def open_viewers(viewer: ViewerModel) -> tuple[ViewerModel, ...]:
    """All viewers of this process, the given one among them."""
    return tuple({id(each): each for each in (viewer, *getattr(type(viewer), "_instances", ()))}.values())


def many_at_once(viewer: ViewerModel) -> AbstractContextManager[None]:
    """In which many layers may go as one.

    Else napari collects garbage and builds its scene anew for each of them: a quarter of a second for every layer.
    """
    batched = getattr(viewer.layers, "batched_update", None)  # not before napari 0.9
    return nullcontext() if batched is None else batched()


def free_on_the_canvas(viewer: ViewerModel) -> None:
    """Have what layers hold on the graphics card freed where it was made: in the OpenGL context of the canvas.

    napari 0.9 frees it as soon as a layer goes (https://github.com/napari/napari/pull/8122), in whichever context is
    current. Where that is the one in which Qt composes the window, Mesa keeps using a program that is gone: the next
    drawing ends the process.
    """
    if viewer in _FREEING:
        return
    _FREEING.add(viewer)
    weakly = ref(viewer)

    def enter(event: Any = None) -> None:
        viewer = weakly()
        native = None if viewer is None else _canvas_widget(viewer)
        if native is not None and native.isValid():
            native.makeCurrent()

    events = viewer.layers.events
    for name in ("removed", "end_batch"):  # the second not before napari 0.9
        if name in events.emitters:
            events.emitters[name].connect(enter, position="first")


def draw_canvas(viewer: ViewerModel, wanted: bool) -> None:
    """Draw the canvas no more, or again; the rest of the window goes on. Nothing for a viewer without a window."""
    native = _canvas_widget(viewer)
    if native is not None:
        native.setUpdatesEnabled(wanted)


def _canvas_widget(viewer: ViewerModel) -> Any | None:
    """The QOpenGLWidget of the canvas, None for a viewer without a window."""
    window = getattr(viewer, "window", None)
    return getattr(getattr(getattr(window, "_qt_viewer", None), "canvas", None), "native", None)


def main_window(viewer: Any) -> Any | None:
    """The QMainWindow of a viewer, None for a viewer without a window.

    napari gives docks a way to their window but viewers none in public; we only listen for its end.
    """
    window = getattr(viewer, "window", None)
    return getattr(window, "_qt_window", None)


def plugin_preferences(plugin: str) -> Any | None:
    """Settings of a plugin as in napari's Preferences (0.9), or None where this napari has none."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return None
    try:
        return get_plugin_settings(plugin)
    except KeyError:  # not installed as a plugin, for example in a test of a view alone
        return None


def show_preferences(viewer: Any) -> bool:
    """Open napari's preferences; False where this napari has no page for plugins in them."""
    try:
        from napari.settings import get_plugin_settings  # noqa: F401  since 0.9
    except ImportError:
        return False
    show = getattr(getattr(viewer, "window", None), "_open_preferences_dialog", None)
    if show is None:
        return False
    show()
    return True


def theme_background(viewer: ViewerModel) -> str:
    """``"#RRGGBB"`` of the interface's background in the viewer's theme."""
    from napari.utils.theme import get_theme

    red, green, blue = get_theme(viewer.theme).background.as_rgb_tuple()[:3]
    return f"#{red:02X}{green:02X}{blue:02X}"
