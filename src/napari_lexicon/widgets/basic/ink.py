"""Colours of the interface for views that paint themselves, taken from the palette that napari's theme sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtGui import QColor, QFont, QPalette

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


def ink(widget: QWidget, strength: float = 1.0) -> QColor:
    """Text colour of the theme at part of its strength (0 to 1)."""
    color = QColor(widget.palette().color(QPalette.ColorRole.WindowText))
    color.setAlphaF(strength)
    return color


def ground(widget: QWidget) -> QColor:
    """Background colour of the theme."""
    return QColor(widget.palette().color(QPalette.ColorRole.Window))


def is_dark(widget: QWidget) -> bool:
    """True where text is lighter than the background."""
    return ink(widget).lightnessF() > ground(widget).lightnessF()


def blend(first: QColor, second: QColor, part: float) -> QColor:
    """Opaque mixture: ``part`` of the second colour over the first."""
    return QColor(
        round(first.red() + (second.red() - first.red()) * part),
        round(first.green() + (second.green() - first.green()) * part),
        round(first.blue() + (second.blue() - first.blue()) * part),
    )


def raised(widget: QWidget, part: float = 0.06) -> QColor:
    """Colour of a card: a little of the text colour over the background."""
    return blend(ground(widget), ink(widget), part)


def accent(widget: QWidget) -> QColor:
    """Blue that says "this one" in both themes."""
    return QColor("#7C9BFF") if is_dark(widget) else QColor("#3457D5")


def small_font(widget: QWidget, step: float = 0.0) -> QFont:
    """Font of the window, ``step`` points larger or smaller. Style sheets do not reach painted text."""
    window = widget.window() or widget
    font = QFont(window.font())
    font.setPointSizeF(max(6.0, font.pointSizeF() + step))
    return font
