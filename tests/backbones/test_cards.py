"""The built-in model's card tells what is in the package, to programs and to people."""

from __future__ import annotations

from napari_lexicon.backbones import card_text, model_card
from napari_lexicon.backbones.builtin import BUILTIN, CARD_FORMAT, Shape, architecture_json, load_builtin, shape_of
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.jobs.applying import dictionary_path


def test_the_card_is_of_the_weights_beside_it() -> None:
    card = model_card()
    spec = load_builtin().spec
    assert card["weights_hash"] == spec.weights_hash
    assert card["layer"] == spec.layer
    assert card["preprocessing"] == spec.preprocessing
    assert architecture_json(shape_of(card, BUILTIN.config)) == card["architecture"]


def test_the_packaged_dictionary_is_of_the_packaged_backbone() -> None:
    load_dictionary(dictionary_path("builtin")).check_compatible(load_builtin().spec.to_json(), "separate")


def test_the_card_names_the_features_that_the_dictionary_names() -> None:
    header = load_dictionary(dictionary_path("builtin")).header
    told = {row["feature"]: (row["name"], row["note"]) for row in model_card()["named_features"]}
    assert told == {feature: (name, header.names_notes[feature]) for feature, name in header.names.items()}
    assert header.taught
    assert set(header.taught) & set(header.names)
    text = " ".join(card_text(model_card()).split())
    assert all(name in text for name in header.names.values())


def test_every_source_has_a_licence_and_stands_in_the_text() -> None:
    card = model_card()
    flat = " ".join(card_text(card).split())
    assert card["data"]
    for source in card["data"]:
        assert source["licence"], source["source"]
        assert source["source"] in flat
        assert " ".join(source["licence"].split()) in flat
    for sentence in card["limits"]:
        assert sentence in flat
    assert "diagnosis" in flat


def test_no_path_of_the_machine_that_made_it_is_in_the_card() -> None:
    assert '"/' not in BUILTIN.config.read_text(encoding="utf-8")


def test_a_card_without_history_has_a_text() -> None:
    card = {"format": CARD_FORMAT, "architecture": architecture_json(Shape()), "layer": 4, "licence": "MIT"}
    assert card_text(card).startswith("Model (MIT)")
