"""The settings for downloads are a button away, and what is typed there is what the plugin reads."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QDialog, QLineEdit
from tests.gui.driver import Person

from napari_lexicon.viewer.napari_compat import plugin_preferences
from napari_lexicon.widgets.workspace.preferences import PLUGIN, preferences


def test_token_mirror_and_cache_folder_are_in_the_preferences(person: Person):
    settings = plugin_preferences(PLUGIN)
    if settings is None:
        pytest.skip("this napari has no preferences for plugins")
    person.front("Embed")
    person.docks["Embed"].view.model_fold.line.click()
    person.breathe(0.2)
    person.click("Embed", "open_preferences")
    (dialog,) = [each for each in person.window.findChildren(QDialog) if type(each).__name__ == "PreferencesDialog"]
    assert dialog.isVisible()
    assert dialog.findChildren(QLineEdit)
    dialog.close()
    assert (preferences().model_folder, preferences().mirror, preferences().token) == ("", "", "")
    settings.models.mirror = "https://mirror.example"
    assert preferences().mirror == "https://mirror.example"
    settings.models.mirror = ""
