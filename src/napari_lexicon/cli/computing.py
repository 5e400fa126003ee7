"""Commands that compute: demo, info, convert, apply, embed, train."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from napari_lexicon import api
from napari_lexicon.cli.app import (
    Acquisition,
    Background,
    Batch,
    Device,
    Enlarge,
    Illumination,
    KeepTokens,
    Layer,
    LexiconPath,
    Map,
    ModelUmPerPixel,
    Name,
    OutLexicon,
    Pages,
    Pattern,
    Plates,
    Quiet,
    Recompute,
    T,
    Tile,
    UmPerPixel,
    Z,
    app,
    example,
    open_window,
    pixel_size,
    plane,
    sentences,
    time_point,
)
from napari_lexicon.cli.progress import interruptible, told
from napari_lexicon.errors import LexiconError


@app.command(
    help="Simulate a plate, read its features, and show what was found." + example("napari-lexicon demo --out demo")
)
def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the plate, the lexicon and pictures.")
    ] = Path("demo"),
    gui: Annotated[
        bool | None, typer.Option("--gui/--no-gui", help="Open napari at the end; by default if there is a screen.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    from napari_lexicon.demo import run_demo, screen_available

    with sentences(), interruptible() as should_stop, told(quiet) as report:
        found = run_demo(out, report, should_stop)
    if not quiet:
        print(found.text)
    if screen_available() if gui is None else gui:
        with sentences():
            open_window(found.lexicon)


@app.command(
    help="Say what a plate is, and what is missing; or what a model is."
    + example("napari-lexicon info plate.zarr --map map.csv")
)
def info(
    plate: Annotated[
        Path | None, typer.Argument(metavar="PLATE", help="OME-Zarr plate, folder of images, or image.")
    ] = None,
    map: Map = None,
    pattern: Pattern = None,
    name: Name = None,
    z: Z = "max",
    t: T = "0",
    acquisition: Acquisition = None,
    tile: Tile = api.TILE,
    pages: Pages = None,
    um_per_pixel: UmPerPixel = None,
    enlarge: Enlarge = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="builtin", help="Print the card of the built-in model instead.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    with sentences():
        if (plate is None) == (model is None):
            raise LexiconError("Name a plate, or a model with --model builtin: napari-lexicon info PLATE.")
        if plate is None:
            found = api.model_card(str(model))
        else:
            chosen: dict[str, Any] = {"z": plane(z), "t": time_point(t), "acquisition": acquisition, "tile": tile}
            chosen |= {"pages": pages, "um_per_pixel": um_per_pixel, "enlarge": enlarge}
            found = api.info(plate, plate_map=map, pattern=pattern, name=name, **chosen)
        if json_:
            print(json.dumps(found, indent=1, ensure_ascii=False))
        elif not quiet:
            print(_words(found, of_model=plate is None))


def _words(found: dict[str, Any], *, of_model: bool) -> str:
    if of_model:
        from napari_lexicon.backbones import card_text

        return card_text(found)
    from napari_lexicon.cli.progress import info_text

    return info_text(found)


@app.command(
    help="Write any plate that opens as OME-Zarr. Started again, it goes on where it was."
    + example("napari-lexicon convert images --map labels.csv --out plate.zarr")
)
def convert(
    plate: Annotated[Path, typer.Argument(metavar="PLATE", help="OME-Zarr plate, folder of images, or image.")],
    out: Annotated[Path, typer.Option("--out", metavar="P.zarr", help="Folder of the new plate.")],
    map: Map = None,
    pattern: Pattern = None,
    name: Name = None,
    z: Z = "max",
    t: T = "0",
    acquisition: Acquisition = None,
    tile: Tile = api.TILE,
    pages: Pages = None,
    um_per_pixel: UmPerPixel = None,
    enlarge: Enlarge = None,
    ngff: Annotated[str, typer.Option("--ngff", metavar="0.4|0.5", help="Version of OME-Zarr.")] = "0.5",
    quiet: Quiet = False,
) -> None:
    with sentences(), interruptible() as should_stop, told(quiet) as report:
        done = api.convert(
            plate,
            out,
            plate_map=map,
            pattern=pattern,
            name=name,
            z=plane(z),
            t=time_point(t),
            acquisition=acquisition,
            tile=tile,
            pages=cast(Any, pages),
            um_per_pixel=um_per_pixel,
            enlarge=enlarge,
            ngff=cast(Any, ngff),
            report=report,
            should_stop=should_stop,
        )
    for problem in done.problems:
        print(f"left out: {problem.sentence}", file=sys.stderr)
    if not done.complete:
        print("Stopped: run the same command to go on.", file=sys.stderr)
        raise typer.Exit(2)
    if not quiet:
        print(f"{done.path}: {done.written} fields written, {done.kept} were there before")


@app.command(
    help="Read the features of a dictionary in plates. Started again, it goes on where it was."
    + example("napari-lexicon apply images --pattern '{*}_{well}f{field}d{channel}.TIF' --map map.csv --out X.lexicon")
)
def apply(
    plates: Plates,
    out: OutLexicon,
    map: Map = None,
    pattern: Pattern = None,
    name: Name = None,
    z: Z = "max",
    t: T = "0",
    acquisition: Acquisition = None,
    tile: Tile = api.TILE,
    pages: Pages = None,
    um_per_pixel: ModelUmPerPixel = None,
    enlarge: Enlarge = None,
    dictionary: Annotated[
        str, typer.Option("--dictionary", metavar="builtin|PATH", help="Dictionary to apply.")
    ] = "builtin",
    backbone: Annotated[
        str | None,
        typer.Option("--backbone", metavar="builtin|NAME|PATH", help="The dictionary's own by default."),
    ] = None,
    layer: Layer = None,
    device: Device = "auto",
    batch: Batch = 16,
    keep_tokens: KeepTokens = str(api.KEEP_TOKENS),
    recompute: Recompute = False,
    background: Background = "skip",
    illumination: Illumination = None,
    quiet: Quiet = False,
) -> None:
    with sentences(), interruptible() as should_stop, told(quiet) as report:
        result = api.apply(
            list(plates),
            out,
            plate_map=map,
            pattern=pattern,
            name=name,
            z=plane(z),
            t=time_point(t),
            acquisition=acquisition,
            tile=tile,
            pages=cast(Any, pages),
            um_per_pixel=pixel_size(um_per_pixel),
            enlarge=enlarge,
            dictionary=dictionary,
            backbone=backbone,
            layer=layer,
            device=device,
            batch=batch,
            keep_tokens=_keep(keep_tokens),
            recompute=recompute,
            background=cast(Any, background),
            illumination=cast(Any, illumination),
            report=report,
            should_stop=should_stop,
        )
    _tell_fields(result, quiet)


@app.command(
    help="Embed plates and keep tokens to train on. Started again, it goes on where it was."
    + example("napari-lexicon embed plate.zarr --out X.lexicon --keep-tokens 500000")
)
def embed(
    plates: Plates,
    out: OutLexicon,
    map: Map = None,
    pattern: Pattern = None,
    name: Name = None,
    z: Z = "max",
    t: T = "0",
    acquisition: Acquisition = None,
    tile: Tile = api.TILE,
    pages: Pages = None,
    um_per_pixel: ModelUmPerPixel = None,
    enlarge: Enlarge = None,
    backbone: Annotated[str, typer.Option("--backbone", metavar="builtin|NAME|PATH", help="Vision model.")] = "builtin",
    layer: Layer = None,
    device: Device = "auto",
    batch: Batch = 16,
    keep_tokens: KeepTokens = str(api.KEEP_TOKENS),
    recompute: Recompute = False,
    illumination: Illumination = None,
    quiet: Quiet = False,
) -> None:
    with sentences(), interruptible() as should_stop, told(quiet) as report:
        result = api.embed(
            list(plates),
            out,
            plate_map=map,
            pattern=pattern,
            name=name,
            z=plane(z),
            t=time_point(t),
            acquisition=acquisition,
            tile=tile,
            pages=cast(Any, pages),
            um_per_pixel=pixel_size(um_per_pixel),
            enlarge=enlarge,
            backbone=backbone,
            layer=layer,
            device=device,
            batch=batch,
            keep_tokens=_keep(keep_tokens),
            recompute=recompute,
            illumination=cast(Any, illumination),
            report=report,
            should_stop=should_stop,
        )
    _tell_fields(result, quiet)


@app.command(
    help="Train a dictionary on the tokens of a lexicon. Started again, it goes on from its last checkpoint."
    + example("napari-lexicon train X.lexicon --out D.safetensors --features 256 --iterations 4 --per-iteration 2")
)
def train(
    lexicon: LexiconPath,
    out: Annotated[Path, typer.Option("--out", metavar="D.safetensors", help="Dictionary file to write.")],
    algorithm: Annotated[str, typer.Option(help="icfl-anchored, icfl, or a rival of theirs.")] = "icfl-anchored",
    features: Annotated[int, typer.Option(metavar="M", help="Number of features.")] = 256,
    iterations: Annotated[int, typer.Option(metavar="J", help="Rounds of the pursuit.")] = 4,
    per_iteration: Annotated[int, typer.Option(metavar="L", help="Features picked per round.")] = 2,
    controls: Annotated[
        str, typer.Option(help="Which wells are controls, or 'all'.")
    ] = "Metadata_pert_type == 'negcon'",
    tokens: Annotated[str, typer.Option(metavar="patch|mean", help="Tokens of patches, or means of tiles.")] = "patch",
    channels: Annotated[
        str, typer.Option(metavar="separate|concat|mean", help="How the channels of a field become tokens.")
    ] = "separate",
    steps: Annotated[int, typer.Option(metavar="N", help="Optimiser steps.")] = 3000,
    batch: Annotated[int, typer.Option(min=1, help="Tokens per step.")] = 2048,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 1e-3,
    seed: Annotated[int, typer.Option(metavar="S", help="Of everything random.")] = 0,
    seeds: Annotated[
        int, typer.Option(min=1, metavar="N", help="Train N times, and note how well each feature is found again.")
    ] = 1,
    patience: Annotated[int, typer.Option(help="Evaluations without progress before it ends; 0 for never.")] = 0,
    whitening: Annotated[
        str, typer.Option(metavar="pca|zca|none", help="How tokens are whitened on the controls.")
    ] = "pca",
    components: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Whitened directions to keep at most.")
    ] = None,
    variance: Annotated[
        float, typer.Option(metavar="SHARE", help="Keep the directions that hold this share of the controls' variance.")
    ] = 0.99,
    background: Background = "skip",
    quiet: Quiet = False,
) -> None:
    with sentences(), interruptible() as should_stop, told(quiet) as report:
        result = api.train(
            lexicon,
            out,
            algorithm=algorithm,
            features=features,
            iterations=iterations,
            per_iteration=per_iteration,
            controls=controls,
            tokens=tokens,
            channels=channels,
            steps=steps,
            batch=batch,
            learning_rate=learning_rate,
            seed=seed,
            seeds=seeds,
            patience=patience,
            whitening=whitening,
            components=components,
            variance=variance,
            background=background,
            report=report,
            should_stop=should_stop,
        )
    if not quiet:
        m = result.metrics
        among = f"over the last {m['dead_window']} tokens" if m["dead_window"] else "among them"
        print(f"{result.message} {result.dictionary} ({result.hash})")
        print(
            f"held out: {100 * m['explained_variance']:.1f} % of the variance explained, cosine {m['cosine']:.3f}, "
            f"{m['l0']:.1f} features per token, {100 * m['dead']:.1f} % dead {among}"
        )
    if result.stopped:
        print("Stopped: run the same command to go on from the last checkpoint.", file=sys.stderr)
        raise typer.Exit(2)


def _keep(text: str) -> Any:
    if text == "all":
        return "all"
    if not text.isdigit():
        raise LexiconError(f"--keep-tokens takes a number or 'all', not {text!r}: correct the option.")
    return int(text)


def _tell_fields(result: Any, quiet: bool) -> None:
    """Print what embed or apply did; a stopped job exits with 2."""
    for failure in result.failures:
        print(f"left out: {failure.sentence}", file=sys.stderr)
    if result.advice and not quiet:
        print(result.advice, file=sys.stderr)
    if result.stale:
        print(
            f"{result.stale} fields are stale, {result.stale_because}: use --recompute to do them again.",
            file=sys.stderr,
        )
    if result.stopped:
        print(f"Stopped with {result.finished} fields done: run the same command to go on.", file=sys.stderr)
        raise typer.Exit(2)
    if not quiet:
        print(f"{result.lexicon}: {result.finished} fields done, {result.kept} were done before")
