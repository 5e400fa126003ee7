"""The command line: one command per job and question, with the names and options of the Python API."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from napari_lexicon import __version__, api
from napari_lexicon.cli_progress import interruptible, told
from napari_lexicon.errors import LexiconError

app = typer.Typer(
    name="napari-lexicon",
    help="Read what a vision model sees in microscopy plates, feature by feature.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

Plates = Annotated[
    list[Path], typer.Argument(metavar="PLATE...", help="OME-Zarr plates, folders of images, or images.")
]
LexiconPath = Annotated[Path, typer.Argument(metavar="X.lexicon", help="Lexicon folder.")]
OutLexicon = Annotated[Path, typer.Option("--out", metavar="X.lexicon", help="Lexicon folder to make or go on with.")]
Map = Annotated[Path | None, typer.Option("--map", metavar="CSV", help="Plate map: one row per well.")]
Pattern = Annotated[
    str | None, typer.Option("--pattern", help="File names, such as '{*}_{well}f{field}d{channel}.TIF'.")
]
Z = Annotated[str, typer.Option("--z", help="'max' for a maximum projection, or the number of a plane.")]
T = Annotated[int, typer.Option("--t", help="Time point.")]
Layer = Annotated[int | None, typer.Option("--layer", help="Block of the backbone to read, from 0.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Batch = Annotated[int, typer.Option("--batch", min=1, help="Tiles per forward pass.")]
KeepTokens = Annotated[
    str, typer.Option("--keep-tokens", metavar="all|N", help="Tokens to keep per plate, for training.")
]
Background = Annotated[
    str, typer.Option("--background", metavar="skip|keep", help="What happens to dark patches, which show nothing.")
]
Recompute = Annotated[bool, typer.Option("--recompute", help="Do stale fields again.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.")]


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(f"napari-lexicon {__version__}")
        raise typer.Exit


@contextmanager
def _sentences() -> Iterator[None]:
    """User errors become their sentence and exit status 2."""
    try:
        yield
    except LexiconError as error:
        print(str(error), file=sys.stderr)
        raise typer.Exit(2) from None
    except BrokenPipeError:  # the reader of our output has left
        sys.stderr.close()
        raise typer.Exit(0) from None


def _example(text: str) -> str:
    return f"\n\n**Example**\n\n    {text}\n"


@app.command(
    help="Simulate a plate, read its features, and show what was found." + _example("napari-lexicon demo --out demo")
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

    with _sentences(), interruptible() as should_stop, told(quiet) as report:
        found = run_demo(out, report, should_stop)
    if not quiet:
        print(found.text)
    if screen_available() if gui is None else gui:
        with _sentences():
            _open_window(found.lexicon)


@app.command(
    help="Say what a plate is, and what is missing; or what a model is."
    + _example("napari-lexicon info plate.zarr --map map.csv")
)
def info(
    plate: Annotated[
        Path | None, typer.Argument(metavar="PLATE", help="OME-Zarr plate, folder of images, or image.")
    ] = None,
    map: Map = None,
    pattern: Pattern = None,
    z: Z = "max",
    t: T = 0,
    model: Annotated[
        str | None, typer.Option("--model", metavar="builtin", help="Print the card of the built-in model instead.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    with _sentences():
        if (plate is None) == (model is None):
            raise LexiconError("Name a plate, or a model with --model builtin: napari-lexicon info PLATE.")
        found = api.model_card(str(model)) if plate is None else _plate_info(plate, pattern, map, z, t)
        if json_:
            print(json.dumps(found, indent=1, ensure_ascii=False))
        elif not quiet:
            print(_words(found, of_model=plate is None))


def _plate_info(plate: Path, pattern: str | None, plate_map: Path | None, z: str, t: int) -> dict[str, Any]:
    return api.info(plate, plate_map=plate_map, pattern=pattern, z=_plane(z), t=t)


def _words(found: dict[str, Any], *, of_model: bool) -> str:
    if of_model:
        from napari_lexicon.backbones import card_text

        return card_text(found)
    from napari_lexicon.cli_progress import info_text

    return info_text(found)


@app.command(
    help="Write any plate that opens as OME-Zarr. Started again, it goes on where it was."
    + _example("napari-lexicon convert images --map labels.csv --out plate.zarr")
)
def convert(
    plate: Annotated[Path, typer.Argument(metavar="PLATE", help="OME-Zarr plate, folder of images, or image.")],
    out: Annotated[Path, typer.Option("--out", metavar="P.zarr", help="Folder of the new plate.")],
    map: Map = None,
    pattern: Pattern = None,
    z: Z = "max",
    t: T = 0,
    ngff: Annotated[str, typer.Option("--ngff", metavar="0.4|0.5", help="Version of OME-Zarr.")] = "0.5",
    quiet: Quiet = False,
) -> None:
    with _sentences(), interruptible() as should_stop, told(quiet) as report:
        done = api.convert(
            plate,
            out,
            plate_map=map,
            pattern=pattern,
            z=_plane(z),
            t=t,
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
    + _example("napari-lexicon apply images --pattern '{*}_{well}f{field}d{channel}.TIF' --map map.csv --out X.lexicon")
)
def apply(
    plates: Plates,
    out: OutLexicon,
    map: Map = None,
    pattern: Pattern = None,
    z: Z = "max",
    t: T = 0,
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
    quiet: Quiet = False,
) -> None:
    with _sentences(), interruptible() as should_stop, told(quiet) as report:
        result = api.apply(
            list(plates),
            out,
            plate_map=map,
            pattern=pattern,
            z=_plane(z),
            t=t,
            dictionary=dictionary,
            backbone=backbone,
            layer=layer,
            device=device,
            batch=batch,
            keep_tokens=_keep(keep_tokens),
            recompute=recompute,
            background=cast(Any, background),
            report=report,
            should_stop=should_stop,
        )
    _tell_fields(result, quiet)


@app.command(
    help="Embed plates and keep tokens to train on. Started again, it goes on where it was."
    + _example("napari-lexicon embed plate.zarr --out X.lexicon --keep-tokens 500000")
)
def embed(
    plates: Plates,
    out: OutLexicon,
    map: Map = None,
    pattern: Pattern = None,
    z: Z = "max",
    t: T = 0,
    backbone: Annotated[str, typer.Option("--backbone", metavar="builtin|NAME|PATH", help="Vision model.")] = "builtin",
    layer: Layer = None,
    device: Device = "auto",
    batch: Batch = 16,
    keep_tokens: KeepTokens = str(api.KEEP_TOKENS),
    recompute: Recompute = False,
    quiet: Quiet = False,
) -> None:
    with _sentences(), interruptible() as should_stop, told(quiet) as report:
        result = api.embed(
            list(plates),
            out,
            plate_map=map,
            pattern=pattern,
            z=_plane(z),
            t=t,
            backbone=backbone,
            layer=layer,
            device=device,
            batch=batch,
            keep_tokens=_keep(keep_tokens),
            recompute=recompute,
            report=report,
            should_stop=should_stop,
        )
    _tell_fields(result, quiet)


@app.command(
    help="Train a dictionary on the tokens of a lexicon. Started again, it goes on from its last checkpoint."
    + _example("napari-lexicon train X.lexicon --out D.safetensors --features 1024 --iterations 8 --per-iteration 2")
)
def train(
    lexicon: LexiconPath,
    out: Annotated[Path, typer.Option("--out", metavar="D.safetensors", help="Dictionary file to write.")],
    algorithm: Annotated[str, typer.Option(help="icfl, or one of its rivals.")] = "icfl",
    features: Annotated[int, typer.Option(metavar="M", help="Number of features.")] = 1024,
    iterations: Annotated[int, typer.Option(metavar="J", help="Rounds of the pursuit.")] = 8,
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
        int | None, typer.Option(min=1, metavar="N", help="Whitened directions to keep; all unless told.")
    ] = None,
    background: Background = "skip",
    quiet: Quiet = False,
) -> None:
    with _sentences(), interruptible() as should_stop, told(quiet) as report:
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
            background=background,
            report=report,
            should_stop=should_stop,
        )
    if not quiet:
        m = result.metrics
        print(f"{result.message} {result.dictionary} ({result.hash})")
        print(
            f"held out: {100 * m['explained_variance']:.1f} % of the variance explained, cosine {m['cosine']:.3f}, "
            f"{m['l0']:.1f} features per token, {100 * m['dead']:.1f} % dead over the last {m['dead_window']} tokens"
        )
    if result.stopped:
        print("Stopped: run the same command to go on from the last checkpoint.", file=sys.stderr)
        raise typer.Exit(2)


@app.command(
    help="One row per feature: how often it fires, how strongly, where; with --by what it has to do with a column."
    + _example("napari-lexicon features X.lexicon --by Metadata_perturbation --out features.csv")
)
def features(
    lexicon: LexiconPath,
    by: Annotated[str | None, typer.Option("--by", metavar="COLUMN", help="Column of the plate map.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="T.csv", help="Write all rows here.")] = None,
    quiet: Quiet = False,
) -> None:
    with _sentences():
        table = api.features(lexicon, by)
        if out is not None:
            _write(out, table.to_csv)
        if not quiet:
            from napari_lexicon.cli_progress import print_features

            print_features(table, out)


@app.command(
    help="Paint one feature over one field."
    + _example("napari-lexicon overlay X.lexicon --well B03 --field 0 --feature 12 --out overlay.png")
)
def overlay(
    lexicon: LexiconPath,
    well: Annotated[str, typer.Option("--well", help="Well name.")],
    feature: Annotated[int, typer.Option("--feature", help="Number of the feature.")],
    out: Annotated[Path, typer.Option("--out", metavar="PNG", help="Picture to write.")],
    field: Annotated[int, typer.Option("--field", help="Field of the well, from 0.")] = 0,
    channel: Annotated[str | None, typer.Option("--channel", help="The strongest by default.")] = None,
    plate: Annotated[str | None, typer.Option("--plate", help="Needed where there are several.")] = None,
    quiet: Quiet = False,
) -> None:
    with _sentences():
        picture = api.overlay(lexicon, well, feature, field=field, channel=channel, plate=plate)
        _write(out, picture.save)
        if not quiet:
            print(out)


@app.command(
    help="Write the profiles of all wells as AnnData." + _example("napari-lexicon profiles X.lexicon --out P.h5ad")
)
def profiles(
    lexicon: LexiconPath,
    out: Annotated[Path, typer.Option("--out", metavar="P.h5ad", help="File to write.")],
    plate: Annotated[str | None, typer.Option("--plate", help="One plate only.")] = None,
    quiet: Quiet = False,
) -> None:
    with _sentences():
        data = api.profiles(lexicon, plate)
        _write(out, data.write_h5ad)
        if not quiet:
            print(f"{out}: {data.n_obs} wells, {data.n_vars} features, layers {', '.join(data.layers)}")


@app.command(
    help="Put a question to a lexicon: effects, selectivity, activity, alike, doses, confounds, probes, counts, "
    "stains, cells, match or transfer." + _example("napari-lexicon ask X.lexicon effects --out effects.csv")
)
def ask(
    lexicon: LexiconPath,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="Name of the question.")],
    by: Annotated[
        str, typer.Option("--by", metavar="COLUMN", help="Column that is asked about.")
    ] = "Metadata_perturbation",
    dose: Annotated[str, typer.Option(metavar="COLUMN", help="Column of doses.")] = "Metadata_concentration",
    controls: Annotated[
        str, typer.Option(help="Which wells are negative controls.")
    ] = "Metadata_pert_type == 'negcon'",
    channel: Annotated[str | None, typer.Option(metavar="NAME|each", help="All together by default.")] = None,
    across: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Whose values stay on one side of a split, such as plate.")
    ] = None,
    kind: Annotated[str | None, typer.Option(metavar="COLUMN", help="Target or mechanism, for activity.")] = None,
    measurements: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Numbers per well; measured from the images by default.")
    ] = None,
    other: Annotated[Path | None, typer.Option(metavar="Y.lexicon", help="Second lexicon.")] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="FOLDER|NAME", help="Labels of cells; nuclei are segmented by default.")
    ] = None,
    features: Annotated[str, typer.Option(metavar="N,N...", help="Features to read in cells.")] = "",
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Open the images for what goes beside.")
    ] = True,
    seed: Annotated[int, typer.Option(metavar="S", help="Of splits and shuffles.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", metavar="T.csv", help="Write all rows here.")] = None,
    quiet: Quiet = False,
) -> None:
    with _sentences(), told(quiet) as progress:
        table = api.ask(
            lexicon,
            question,
            by=by,
            dose=dose,
            controls=controls,
            channel=channel,
            across=across,
            kind=kind,
            measurements=measurements,
            other=other,
            labels=labels,
            features=_numbers(features),
            pixels=pictures,
            seed=seed,
            report=progress,
        )
        if out is not None:
            _write(out, lambda path: table.to_csv(path, index=False))
    if not quiet:
        from napari_lexicon.cli_progress import print_answer

        print_answer(table, out)


@app.command(
    help="Write one HTML page: what tells treatments from controls, how sure it is, pictures and methods."
    + _example("napari-lexicon report X.lexicon --out report.html")
)
def report(
    lexicon: LexiconPath,
    out: Annotated[Path, typer.Option("--out", metavar="HTML", help="Page to write.")],
    by: Annotated[
        str, typer.Option("--by", metavar="COLUMN", help="Column of the plate map that names the treatment.")
    ] = "Metadata_perturbation",
    controls: Annotated[
        str, typer.Option(help="Which wells are negative controls.")
    ] = "Metadata_pert_type == 'negcon'",
    dose: Annotated[str, typer.Option(metavar="COLUMN", help="Column of doses.")] = "Metadata_concentration",
    features: Annotated[int, typer.Option(min=1, metavar="N", help="Features shown with pictures.")] = 8,
    fdr: Annotated[
        float, typer.Option(min=0, max=1, help="False-discovery rate up to which a feature is called.")
    ] = 0.05,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Open the images; without, no stains and no brightness.")
    ] = True,
    title: Annotated[str | None, typer.Option("--title", help="Of the page.")] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Of the shuffles.")] = 0,
    quiet: Quiet = False,
) -> None:
    with _sentences(), told(quiet) as progress:
        api.report(
            lexicon,
            out,
            by=by,
            controls=controls,
            dose=dose,
            features=features,
            fdr=fdr,
            pictures=pictures,
            title=title,
            seed=seed,
            report=progress,
        )
    if not quiet:
        print(out)


@app.command("open", help="Open a lexicon in napari." + _example("napari-lexicon open X.lexicon"))
def open_(lexicon: LexiconPath) -> None:
    with _sentences():
        _open_window(lexicon)


def _open_window(lexicon: Path) -> None:
    from napari_lexicon.lexicons import Lexicon

    Lexicon.open(lexicon)  # its sentence, before a window appears
    try:
        from napari_lexicon.widgets.launching import open_in_napari
    except ImportError as error:
        raise LexiconError(
            f"napari cannot open a window here ({error}): install a Qt binding, for example napari-lexicon[qt]."
        ) from error
    open_in_napari(lexicon)


def _write(out: Path, write: Any) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(out)
    except (OSError, ValueError) as error:
        raise LexiconError(f"{out} cannot be written ({error}): choose another --out.") from error


def _plane(z: str) -> int | Literal["max"]:
    if z == "max":
        return "max"
    if not z.isdigit():
        raise LexiconError(f"--z takes the number of a plane or 'max', not {z!r}: correct the option.")
    return int(z)


def _keep(text: str) -> Any:
    if text == "all":
        return "all"
    if not text.isdigit():
        raise LexiconError(f"--keep-tokens takes a number or 'all', not {text!r}: correct the option.")
    return int(text)


def _numbers(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdigit() for part in parts):
        raise LexiconError(
            f"--features takes numbers joined by commas, such as 12,40, not {text!r}: correct the option."
        )
    return tuple(int(part) for part in parts)


def _tell_fields(result: Any, quiet: bool) -> None:
    """Print what embed or apply did; a stopped job exits with 2."""
    for failure in result.failures:
        print(f"left out: {failure.sentence}", file=sys.stderr)
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


def main() -> None:
    """Entry point of the console script."""
    # a broken TIFF becomes one sentence of ours; what tifffile logs on the way says it seven times more
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    app()
