"""Depth: planted concepts appear where they were planted, planted nuisances fade where they were taken away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_lexicon.analysis.depth import depth, depth_sentences
from napari_lexicon.errors import PlateMapError

WELLS, LAYERS = 48, 6


def planted(appears: int, fades: int, seed: int = 0) -> tuple[dict[str, np.ndarray], pd.Series, pd.Series, pd.Series]:
    """A treatment that layers hold from ``appears`` on, a plate and a brightness that they hold before ``fades``."""
    rng = np.random.default_rng(seed)
    treatment = rng.permutation(np.repeat([0, 1, 2], WELLS // 3))
    plate = rng.permutation(np.repeat([0, 1], WELLS // 2))
    bright = rng.standard_normal(WELLS)
    layers = rng.standard_normal((LAYERS, WELLS, 30))
    for layer in range(LAYERS):
        if layer >= appears:
            layers[layer, np.arange(WELLS), treatment] += 7
        if layer < fades:
            layers[layer, :, 5] += 7 * plate
            layers[layer, :, 6] = 3 * bright
    nothing = rng.standard_normal((LAYERS, WELLS, 30))
    names = pd.Series([f"drug{t}" for t in treatment], name="x")
    return {"model": layers, "random network": nothing}, names, pd.Series([f"p{p}" for p in plate]), pd.Series(bright)


@pytest.mark.parametrize(("appears", "fades"), [(3, 2), (1, 5)])
def test_turns_are_where_they_were_planted(appears: int, fades: int) -> None:
    layers, treatment, plate, bright = planted(appears, fades)
    found = depth(layers, {"drug": treatment}, {"plate": plate, "bright": bright}, repeats=1, permutations=8)
    turns = found[found["turn"] & (found["network"] == "model")].set_index("asked")["layer"]
    assert turns.to_dict() == {"drug": appears, "plate": fades, "bright": fades}
    beside = found[found["network"] == "random network"]
    assert (beside["score"] < beside["chance_high"] + 0.2).all()
    assert not beside["turn"].all()
    said = " ".join(depth_sentences(found))
    assert f"drug is there from layer {appears + 1} of 6" in said
    assert f"plate fades from layer {fades + 1} of 6" in said


def test_what_no_layer_tells_has_no_turn_and_what_stays_does_not_fade() -> None:
    layers, treatment, plate, _ = planted(appears=LAYERS, fades=LAYERS)
    found = depth({"model": layers["model"]}, {"drug": treatment}, {"plate": plate}, repeats=2, permutations=20)
    assert not found["turn"].any()
    said = depth_sentences(found)
    assert said[0] == "drug is told by no layer better than by chance."
    assert said[1].startswith("plate does not fade")


def test_a_plate_whose_look_goes_with_the_value_does_not_tell_it_on_plates_not_seen() -> None:
    rng = np.random.default_rng(0)
    plates = np.repeat(np.arange(6), 8)
    values = np.where(rng.random(48) < np.where(plates % 2, 0.85, 0.15), "a", "b")
    looks = rng.standard_normal((6, 30))[plates] * 3 + 0.3 * rng.standard_normal((48, 30))
    label, plate = pd.Series(values, name="x"), pd.Series([f"p{p}" for p in plates])
    (single,) = depth({"model": looks[None]}, {"x": label}, {}, repeats=2, permutations=2)["score"]
    (apart,) = depth({"model": looks[None]}, {"x": label}, {}, together=plate, repeats=2, permutations=2)["score"]
    assert single > 0.75 > apart


def test_columns_that_do_not_differ_are_an_error() -> None:
    with pytest.raises(PlateMapError, match="Nothing that was asked differs"):
        depth({"model": np.zeros((2, 6, 3))}, {"same": pd.Series(["a"] * 6)}, {})


def test_the_plate_itself_is_told_across_single_wells_where_plates_stay_together() -> None:
    layers, treatment, plate, _ = planted(appears=2, fades=3)
    found = depth({"model": layers["model"]}, {"drug": treatment}, {"plate": plate}, together=plate, repeats=2)
    own = found[found["asked"] == "plate"].set_index("layer")
    assert own.loc[0, "score"] > 0.9
    assert own.index[own["turn"]].tolist() == [3]
