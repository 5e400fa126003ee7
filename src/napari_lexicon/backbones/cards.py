"""Model cards in words: what a built-in model was made from and with, how well it does, what it is not for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

WIDTH = 100


def card_text(card: dict[str, Any]) -> str:
    """A card, as :func:`~napari_lexicon.backbones.builtin.model_card` gives it, for a person to read.

    Parameters
    ----------
    card : dict
        Parts that an older or a foreign card lacks are left out.
    """
    return "\n".join(_lines(card))


def _lines(card: dict[str, Any]) -> Iterator[str]:
    shape = card["architecture"]
    yield f"{card.get('name', 'Model')} ({card['licence']})"
    yield (
        f"ViT, patch {shape['patch']} px, {shape['depth']} blocks, {shape['dim']} numbers per token, read after block "
        f"{card['layer']}; weights {card.get('weights_hash', 'unknown')}"
    )
    training = card.get("training")
    if training is not None:
        yield ""
        yield (
            f"Trained for {training['steps_done']} steps on {training['crops_seen']} crops of "
            f"{' and '.join(str(side) for _, side in training['sizes'])} px, seed {training['seed']}."
        )
        earlier = card.get("started_from")
        if earlier is not None:
            done = earlier["training"]["steps_done"]
            yield f"Begun with the weights {earlier['weights_hash']}, trained for {done} steps."
        points = card.get("curves", {}).get("points")
        if points:
            parts = {key: points[-1][key] for key in ("hidden", "shown", "measures", "truth") if key in points[-1]}
            yield "Loss at the end, as a share of knowing nothing: " + ", ".join(f"{k} {v}" for k, v in parts.items())
    if card.get("data"):
        yield ""
        yield "Made from"
        for source in card["data"]:
            yield from _item(f"{source['source']}, {source['crops']} crops: {source['licence']}")
    if card.get("left_out"):
        yield f"Never seen: {', '.join(card['left_out'])}"
    if card.get("labels"):
        yield card["labels"]
    if card.get("named_features"):
        yield ""
        yield "Features of its dictionary that have a name; with a question mark, not beyond doubt"
        for feature in card["named_features"]:
            yield from _item(f"{feature['feature']}, {feature['name']}. {feature['note']}")
    if card.get("scores"):
        yield ""
        yield "Scores, held out"
        for row in card["scores"]:
            yield from _item(
                f"{row['task']}: {row['ours']:.2f} {row['metric']} ({row['peer']}: {row['peer_value']:.2f})"
            )
    if card.get("limits"):
        yield ""
        yield "Limits"
        for sentence in card["limits"]:
            yield from _item(sentence)


def _item(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ")
