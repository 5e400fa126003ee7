"""These tests need a screen."""

from tests.screen import forgotten, screen

__all__ = ["forgotten", "screen"]
