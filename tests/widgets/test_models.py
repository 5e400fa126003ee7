"""Models are offered with licence and reason, and a checkpoint made here runs as its preset."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_lexicon.backbones.presets import PRESETS
from napari_lexicon.widgets.embed.model_form import ModelChoice, ModelForm
from napari_lexicon.widgets.embed.models import builtin_card, model_offers
from napari_lexicon.widgets.workspace.preferences import Preferences


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty download folder, no token."""
    for name in ("HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    return tmp_path / "hub"


def offers() -> dict:
    return {offer.name: offer for offer in model_offers()}


def test_every_preset_is_offered_with_its_licence() -> None:
    found = offers()
    assert list(found) == [preset.name for preset in PRESETS]
    assert all(preset.licence in found[preset.name].note for preset in PRESETS)
    assert not found["builtin"].reason and not found["dinov2-s"].reason


def test_a_gated_model_says_how_to_get_a_token_and_is_free_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "huggingface.co/settings/tokens" in offers()["uni2-h"].reason
    monkeypatch.setenv("HF_TOKEN", "x")
    assert not offers()["uni2-h"].reason
    assert "pickle" in offers()["h-optimus-0"].reason


def test_offline_says_which_file_to_put_where_unless_it_is_there(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    reason = offers()["morphem"].reason
    assert "model.safetensors of huggingface.co/CaicedoLab/MorphEm" in reason
    assert '{"preset": "morphem"}' in reason
    folder = hub / "models--CaicedoLab--MorphEm" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"")
    assert not offers()["morphem"].reason


def test_what_is_set_in_the_preferences_frees_a_model(
    qtbot, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Preferences()
    monkeypatch.setattr("napari_lexicon.widgets.embed.model_form.preferences", lambda: wanted)
    form = ModelForm()
    qtbot.addWidget(form)
    form.show()
    qtbot.waitUntil(form.isVisible)

    def free(name: str) -> bool:
        return form.backbone.model().item(form.backbone.findData(name)).isEnabled()

    assert not free("uni2-h")
    folder = tmp_path / "mine" / "models--CaicedoLab--MorphEm" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    wanted = Preferences(model_folder=str(tmp_path / "mine"))
    monkeypatch.setattr(form, "isActiveWindow", lambda: True)  # nobody gives a window the focus on this screen
    QApplication.sendEvent(form, QEvent(QEvent.Type.ActivationChange))
    assert free("morphem") and not free("uni2-h")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    wanted = Preferences(token="hf_mine", mirror="https://mirror.example/")
    QApplication.sendEvent(form, QEvent(QEvent.Type.ActivationChange))
    assert free("uni2-h")
    form.setValue(ModelChoice("dinov2-s"))
    assert "from mirror.example/timm/" in form.note.text()


def test_what_cannot_be_used_is_greyed_and_a_chosen_one_says_why(qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    form = ModelForm()
    qtbot.addWidget(form)
    model = form.backbone.model()
    greyed = {form.backbone.itemData(n) for n in range(model.rowCount()) if not model.item(n).isEnabled()}
    assert greyed == {preset.name for preset in PRESETS if preset.download}
    form.setValue(ModelChoice("morphem"))
    assert form.reason() and form.reason() in form.note.text()
    assert "Licence: MIT" in form.note.text()
    form.setValue(ModelChoice("/data/my model"))
    assert form.reason() is None


def test_the_card_of_the_built_in_model_can_be_read(qtbot) -> None:
    form = ModelForm()
    qtbot.addWidget(form)
    form.show()
    form.card.click()
    assert form._dialog.text.toPlainText() == builtin_card()
    assert "Limits" in builtin_card()
    form._dialog.close()
