"""A model's weights are brought before a job computes, with progress that a person sees."""

from __future__ import annotations

import pytest

from napari_lexicon.backbones.downloads import Watch
from napari_lexicon.jobs import loading
from napari_lexicon.jobs.contract import Progress, never


def test_a_download_is_counted_in_megabytes_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []

    def bring(name: str, watch: Watch) -> None:
        for done in range(0, 3_000_001, 100_000):
            watch.told(done, 3_000_000)
        assert watch.should_stop is never

    monkeypatch.setattr(loading, "bring_weights", bring)
    backbone = loading.loaded_backbone("random", None, "cpu", told.append, never)
    assert backbone.spec.id == "random"
    assert [(one.done, one.total, one.message) for one in told] == [
        *((done, 3, "downloading random (MB)") for done in range(4)),
        (0, 0, "loading the backbone"),
    ]


def test_what_comes_with_the_plugin_is_not_looked_for_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    told: list[Progress] = []
    assert loading.loaded_backbone("builtin", None, "cpu", told.append, never).spec.id == "builtin"
    assert [one.message for one in told] == ["loading the backbone"]
