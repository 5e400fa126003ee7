"""Embed and apply, field by field: what fails is named, what is stale is said, the rest goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import cell_like_image, write_tiny_plate

from napari_lexicon import api
from napari_lexicon.backbones import load_backbone
from napari_lexicon.dictionaries import load_dictionary
from napari_lexicon.dictionaries.channel_groups import grouped_tokens
from napari_lexicon.errors import DictionaryError, JobError, LexiconError, LexiconFolderError, PlateError
from napari_lexicon.jobs.contract import TimeLeft, silent
from napari_lexicon.jobs.embedding import EmbedJob, plate_works, sample_size
from napari_lexicon.jobs.plates import origin_as_before
from napari_lexicon.jobs.running import job_from_json, job_to_json
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.origins import plate_origin
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter


def test_codes_in_the_folder_are_those_of_the_kept_tokens(applied: Path, embedded: Path, tiny_dictionary: Path) -> None:
    dictionary = load_dictionary(tiny_dictionary)
    plate, kept = Lexicon.open(applied).plates["tiny"], Lexicon.open(embedded).plates["tiny"].tokens(3)
    codes = plate.codes(3)
    assert codes is not None
    assert kept is not None
    tokens = torch.from_numpy(kept.tokens.astype(np.float32)).transpose(0, 1).reshape(-1, kept.tokens.shape[2])
    expected = dictionary.encode(tokens).merged()
    stored = torch.zeros(len(tokens), 64).scatter_add_(
        1,
        torch.from_numpy(codes.indices.astype(np.int64)).reshape(len(tokens), -1),
        torch.from_numpy(codes.values.astype(np.float32)).reshape(len(tokens), -1),
    )
    dense = torch.zeros(len(tokens), 64).scatter_add_(1, expected.indices, expected.values)
    lit = torch.from_numpy(kept.lit.T.reshape(-1))
    assert 0 < int(lit.sum()) < len(lit)
    assert not stored[~lit].any()
    stored, dense = stored[lit], dense[lit]
    # tokens are kept in half precision: a pick that nearly ties may differ, hardly any does
    assert ((stored - dense).abs() < 5e-3).float().mean() > 0.99


def test_dark_patches_count_only_when_asked_to(
    tiny_plate: Path, applied: Path, tiny_dictionary: Path, tmp_path: Path
) -> None:
    out = tmp_path / "kept.lexicon"
    api.apply(tiny_plate, out, dictionary=str(tiny_dictionary), device="cpu", background="keep")
    kept, skipped = (Lexicon.open(path).plates["tiny"] for path in (out, applied))
    grid = skipped.fields[0].grid
    codes, all_codes = skipped.codes(0), kept.codes(0)
    assert codes is not None
    assert all_codes is not None
    lit = (codes.values != 0).any(axis=-1)
    np.testing.assert_array_equal(codes.values[lit], all_codes.values[lit])
    np.testing.assert_array_equal(skipped.field_statistics(0).tokens, lit.sum(axis=(1, 2)))
    np.testing.assert_array_equal(kept.field_statistics(0).tokens, [grid[0] * grid[1]] * 2)
    again = api.apply(tiny_plate, out, dictionary=str(tiny_dictionary), device="cpu")
    assert again.stale == 12
    with pytest.raises(JobError, match="'skip' or 'keep', not 'drop'"):
        api.apply(tiny_plate, out, background="drop")  # type: ignore[arg-type]


def test_a_job_that_opens_no_plate_leaves_no_folder(tmp_path: Path, tiny_dictionary: Path, applied: Path):
    for path in ("nowhere.zarr", str(tiny_dictionary)):
        with pytest.raises(LexiconError):
            api.apply(tmp_path / path, tmp_path / "new.lexicon", dictionary=str(tiny_dictionary), device="cpu")
        with pytest.raises(LexiconError):
            api.embed(tmp_path / path, tmp_path / "new.lexicon", device="cpu")
    # said before a model is loaded, so that nobody waits for it
    for call in (partial(api.apply, dictionary="no.safetensors"), partial(api.embed, backbone="no_such_model")):
        with pytest.raises(PlateError, match="does not exist: check the path"):
            call(tmp_path / "nowhere.zarr", tmp_path / "new.lexicon")
    assert not (tmp_path / "new.lexicon").exists()
    shutil.copytree(applied, tmp_path / "old.lexicon")
    with pytest.raises(LexiconError):
        api.apply(tmp_path / "nowhere.zarr", tmp_path / "old.lexicon", dictionary=str(tiny_dictionary), device="cpu")
    assert Lexicon.open(tmp_path / "old.lexicon").plates


def test_an_unreadable_field_is_named_and_the_others_go_on(tiny_dictionary: Path, tmp_path: Path) -> None:
    plate = write_tiny_plate(tmp_path / "p.zarr", wells=3, fields=1)
    chunk = next(
        path for path in (plate / "A" / "02" / "0" / "0").rglob("*") if path.is_file() and path.name != "zarr.json"
    )
    chunk.write_bytes(chunk.read_bytes()[:20])
    result = api.apply(plate, tmp_path / "x.lexicon", dictionary=str(tiny_dictionary), device="cpu")
    assert result.finished == 2
    assert [failure.well for failure in result.failures] == ["A02"]
    assert "A02" in result.failures[0].sentence or "A/02" in result.failures[0].sentence
    statistics = Lexicon.open(tmp_path / "x.lexicon").plates["p"].statistics()
    assert (statistics.tokens.sum(axis=1) > 0).tolist() == [True, False, True]


def test_changed_images_are_stale_until_asked_to_recompute(tiny_dictionary: Path, tmp_path: Path) -> None:
    plate, out = write_tiny_plate(tmp_path / "p.zarr", wells=2, fields=1), tmp_path / "x.lexicon"
    api.apply(plate, out, dictionary=str(tiny_dictionary), device="cpu")
    before = Lexicon.open(out).plates["p"].mark("codes", 0)
    shutil.rmtree(plate)
    write_tiny_plate(plate, wells=2, fields=1, seed=99)
    result = api.apply(plate, out, dictionary=str(tiny_dictionary), device="cpu")
    assert (result.finished, result.kept, result.stale) == (0, 0, 2)
    assert result.stale_because == "A01, field 0: its image file has changed"
    assert Lexicon.open(out).plates["p"].mark("codes", 0) == before
    assert api.apply(plate, out, dictionary=str(tiny_dictionary), device="cpu", recompute=True).finished == 2
    assert len(list((out / "plates/p/codes").iterdir())) == 2


def test_another_dictionary_is_refused_unless_asked_to_recompute(
    tiny_plate: Path, embedded: Path, applied: Path, tmp_path: Path
) -> None:
    copy, other = tmp_path / "copy.lexicon", tmp_path / "other.safetensors"
    shutil.copytree(applied, copy)
    api.train(embedded, other, features=32, iterations=2, per_iteration=2, steps=10, batch=64, controls="all", seed=1)
    with pytest.raises(LexiconFolderError, match="was made with another dictionary"):
        api.apply(tiny_plate, copy, dictionary=str(other), device="cpu")
    assert api.apply(tiny_plate, copy, dictionary=str(other), device="cpu", recompute=True).finished == 12
    assert Lexicon.open(copy).plates["tiny"].statistics().n_features == 32


def test_a_dictionary_for_another_layer_is_refused_by_name(
    tiny_plate: Path, tiny_dictionary: Path, tmp_path: Path
) -> None:
    with pytest.raises(DictionaryError, match="made for layer"):
        api.apply(tiny_plate, tmp_path / "x.lexicon", dictionary=str(tiny_dictionary), layer=0, device="cpu")
    with pytest.raises(DictionaryError, match=r"made for .*random"):
        api.apply(tiny_plate, tmp_path / "x.lexicon", dictionary=str(tiny_dictionary), backbone="random", device="cpu")


@pytest.mark.parametrize("channels", ["concat", "mean"])
def test_joint_channel_modes_train_and_apply(
    channels: str, tiny_plate: Path, embedded: Path, applied: Path, tmp_path: Path
) -> None:
    file = tmp_path / "joint.safetensors"
    api.train(
        embedded,
        file,
        features=32,
        iterations=2,
        per_iteration=2,
        steps=10,
        batch=64,
        controls="all",
        channels=channels,
        components=64,  # all 384 of two channels would need more control tokens than this plate has
    )
    assert load_dictionary(file).header.channel_names == ("DNA", "Actin")
    api.apply(tiny_plate, tmp_path / "x.lexicon", dictionary=str(file), device="cpu")
    plate = Lexicon.open(tmp_path / "x.lexicon").plates["tiny"]
    codes = plate.codes(0)
    assert codes is not None
    assert codes.indices.shape == (1, 7, 9, 4)
    separate = Lexicon.open(applied).plates["tiny"].statistics().tokens
    # a patch counts where any of its channels shows something
    assert (plate.statistics().tokens[:, 0] >= separate.max(axis=1)).all()
    assert (plate.statistics().tokens <= 126).all()
    assert set(api.profiles(tmp_path / "x.lexicon").layers) - {None} == {
        "fraction_active",
        "direction",
        "fraction_beyond",
    }


def test_mean_tokens_train(embedded: Path, tmp_path: Path) -> None:
    with pytest.raises(DictionaryError, match="control tokens"):
        api.train(embedded, tmp_path / "d.safetensors", tokens="mean", features=8, steps=5, controls="all")


def test_training_without_controls_says_what_to_do(embedded: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"No well with tokens is a control by .*Metadata_pert_type == 'poscon'"):
        api.train(embedded, tmp_path / "d.safetensors", controls="Metadata_pert_type == 'poscon'")


def test_an_older_dictionary_of_the_same_name_is_kept_aside(embedded: Path, tmp_path: Path) -> None:
    file = tmp_path / "d.safetensors"
    settings = {"features": 16, "iterations": 2, "per_iteration": 2, "steps": 5, "batch": 64, "controls": "all"}
    first = api.train(embedded, file, **settings)
    second = api.train(embedded, file, **{**settings, "seed": 5})
    assert first.hash != second.hash
    assert load_dictionary(tmp_path / "d.previous.safetensors").hash == first.hash
    assert api.train(embedded, file, **{**settings, "seed": 5}).hash == second.hash
    assert load_dictionary(tmp_path / "d.previous.safetensors").hash == first.hash


def test_windows_of_the_first_job_are_kept_by_later_ones(tiny_plate: Path, applied: Path, embedded: Path) -> None:
    a, b = (Lexicon.open(path).plates["tiny"].header.channels for path in (applied, embedded))
    assert a == b
    assert all(channel.low < channel.high for channel in a)


def test_a_plate_is_the_same_one_by_another_way_of_writing_its_path(tiny_plate: Path, applied: Path) -> None:
    lexicon = Lexicon.open(applied)
    written = lexicon.only_plate().header.origin
    other = plate_origin(tiny_plate / ".." / tiny_plate.name)
    assert other.path != written.path
    assert origin_as_before(lexicon, other).path == written.path
    beside = plate_origin(tiny_plate.parent / "other.zarr")
    assert origin_as_before(lexicon, beside) == beside


def test_the_folder_above_a_plate_is_written_down_as_the_plate(tiny_plate: Path, tmp_path: Path) -> None:
    inner = Path(shutil.copytree(tiny_plate, tmp_path / "above" / tiny_plate.name))
    backbone = load_backbone("builtin", device="cpu")
    lexicon = Lexicon.create(tmp_path / "a.lexicon", backbone.spec)
    for path in (inner.parent, inner):
        works = plate_works(lexicon, plate_origin(path), backbone, False, None, silent)
        assert {work.plate.header.origin.path for work in works} == {str(inner)}
    assert list(lexicon.plates) == ["tiny"]


def test_grouped_tokens_follow_the_order_asked_for() -> None:
    tokens = torch.arange(2 * 3 * 4).reshape(2, 3, 4).float()
    assert torch.equal(grouped_tokens(tokens, "separate", []), tokens)
    assert torch.equal(grouped_tokens(tokens, "concat", [1, 0]), torch.cat([tokens[1], tokens[0]], dim=-1)[None])
    assert torch.equal(grouped_tokens(tokens, "mean", []), tokens.mean(dim=0, keepdim=True))
    assert torch.equal(grouped_tokens(tokens, "mean", [1]), tokens[1:])


def test_samples_of_all_fields_together_have_the_size_asked_for() -> None:
    assert sample_size(1000, n_fields=10, n_channels=5, n_places=4096) == 20
    assert sample_size(10**9, 10, 5, 4096) == 4096
    assert sample_size("all", 10, 5, 4096) == 4096


def test_jobs_survive_json() -> None:
    job = EmbedJob((plate_origin("/data/p.zarr", pattern="{well}.tif", z=2),), "x.lexicon", keep_tokens="all", layer=3)
    assert job_from_json(job_to_json(job)) == job
    assert job_from_json(job_to_json(replace(job, keep_tokens=10))) == replace(job, keep_tokens=10)
    with pytest.raises(JobError, match="not the description of a job"):
        job_from_json('{"job": "delete everything"}')


def test_time_left_follows_the_pace() -> None:
    left = TimeLeft()
    assert left(100.0, 4, 10) is None
    assert left(101.0, 5, 10) is None
    assert left(104.0, 6, 10) == 8.0
    assert left(110.0, 10, 10) == 0.0


def test_images_of_another_pixel_type_are_named_and_the_rest_is_read(tmp_path: Path, tiny_dictionary: Path) -> None:
    from imageio.v3 import imwrite

    folder = tmp_path / "mixed"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("one", "three"):
        imwrite(folder / f"{name}.tif", rng.integers(0, 65535, (64, 64), np.uint16))
    imwrite(folder / "two.tif", rng.integers(0, 255, (64, 64), np.uint8))
    result = api.apply(folder, tmp_path / "x.lexicon", dictionary=str(tiny_dictionary), device="cpu")
    (plate,) = Lexicon.open(tmp_path / "x.lexicon").plates.values()
    assert plate.wells == ("one", "three")
    assert plate.n_done() == 2
    (said,) = result.failures
    assert said.well == "two"
    assert "two has pixels of uint8, most of mixed have uint16: they cannot share one window" in said.sentence


def test_a_well_without_anything_in_it_is_finished_and_counts_nowhere(tiny_dictionary: Path, tmp_path: Path) -> None:
    plate, out = tmp_path / "p.zarr", tmp_path / "x.lexicon"
    rng = np.random.default_rng(0)
    channels = (Channel("DNA", "#0000FF"), Channel("Actin", "#00FF00"))
    with PlateWriter(plate, "p", 1, 2, channels, (0.5, 0.5)) as writer:
        writer.write_field("A01", "0", cell_like_image(1))
        writer.write_field("A02", "0", np.clip(200 + rng.normal(0, 12, (2, 100, 140)), 0, 65535).astype(np.uint16))
    result = api.apply(plate, out, dictionary=str(tiny_dictionary), device="cpu")
    assert (result.finished, result.failures) == (2, ())
    statistics = Lexicon.open(out).plates["p"].statistics()
    assert statistics.tokens[1].tolist() == [0, 0]
    assert not statistics.active[1].any()
    assert api.features(out)["fires"].notna().all()
    assert np.isfinite(api.profiles(out).X[0]).all()
