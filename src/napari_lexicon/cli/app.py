"""What all commands share: the application, its options, and errors as sentences."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from napari_lexicon import __version__
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
Name = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="BARCODE", help="Name of the plate, by which its rows are found in a map of several."
    ),
]
Z = Annotated[
    str, typer.Option("--z", help="'max' for a maximum projection, the number of a plane, or 'all' for a field each.")
]
T = Annotated[str, typer.Option("--t", help="Number of the time point, or 'all' for a field each.")]
Acquisition = Annotated[
    str | None, typer.Option("--acquisition", metavar="NAME|N", help="One acquisition of several; all by default.")
]
Tile = Annotated[
    int, typer.Option("--tile", min=0, metavar="PX", help="Side of the fields that slides are cut into; 0: whole.")
]
Pages = Annotated[
    str | None,
    typer.Option(
        "--pages",
        metavar="z|t|c",
        help="What the pages of TIFF files are that do not say it: planes in z, time points or channels; by default "
        "channels up to eight, time points beyond.",
    ),
]
UmPerPixel = Annotated[
    float | None,
    typer.Option(
        "--um-per-pixel",
        min=0,
        metavar="UM",
        help="Resample every field to so many µm per pixel; 0: as it is on disk, the default for a new plate.",
    ),
]
Enlarge = Annotated[
    float | None,
    typer.Option("--enlarge", min=0, metavar="TIMES", help="Read every field enlarged so many times, for small cells."),
]
ModelUmPerPixel = Annotated[
    str | None,
    typer.Option(
        "--um-per-pixel",
        metavar="UM|model",
        help="Resample every field to so many µm per pixel; 'model': to what the backbone states that it is made for; "
        "0: as it is on disk, the default for a new plate.",
    ),
]
Layer = Annotated[int | None, typer.Option("--layer", help="Block of the backbone to read, from 0.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Batch = Annotated[int, typer.Option("--batch", min=1, help="Tiles per forward pass.")]
KeepTokens = Annotated[
    str, typer.Option("--keep-tokens", metavar="all|N", help="Tokens to keep per plate, for training.")
]
Background = Annotated[
    str, typer.Option("--background", metavar="skip|keep", help="What happens to dark patches, which show nothing.")
]
Illumination = Annotated[
    str | None,
    typer.Option(
        "--illumination",
        metavar="none|correct",
        help="'correct' evens out the light of each channel by a flat field estimated from the plate; "
        "by default as before, 'none' for a new plate.",
    ),
]
Recompute = Annotated[bool, typer.Option("--recompute", help="Do stale fields again.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.")]


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(f"napari-lexicon {__version__}")
        raise typer.Exit


@contextmanager
def sentences() -> Iterator[None]:
    """User errors become their sentence and exit status 2."""
    try:
        yield
    except LexiconError as error:
        print(str(error), file=sys.stderr)
        raise typer.Exit(2) from None
    except BrokenPipeError:  # the reader of our output has left
        sys.stderr.close()
        raise typer.Exit(0) from None


def example(text: str) -> str:
    """An example under the help of a command."""
    return f"\n\n**Example**\n\n    {text}\n"


def open_window(lexicon: Path) -> None:
    """Show a lexicon in napari."""
    from napari_lexicon.lexicons import Lexicon

    Lexicon.open(lexicon)  # its sentence, before a window appears
    try:
        from napari_lexicon.widgets.launching import open_in_napari
    except ImportError as error:
        raise LexiconError(
            f"napari cannot open a window here ({error}): install a Qt binding, for example napari-lexicon[qt]."
        ) from error
    open_in_napari(lexicon)


def write(out: Path, save: Callable[[Any], object]) -> None:
    """Save something to ``out``, whose folder is made; what goes wrong is a sentence."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        save(out)
    except (OSError, ValueError) as error:
        raise LexiconError(f"{out} cannot be written ({error}): choose another --out.") from error


def plane(z: str) -> int | Literal["max", "all"]:
    """What ``--z`` says."""
    if z in ("max", "all"):
        return cast(Literal["max", "all"], z)
    if not z.isdigit():
        raise LexiconError(f"--z takes the number of a plane, 'max' or 'all', not {z!r}: correct the option.")
    return int(z)


def pixel_size(um: str | None) -> float | Literal["model"] | None:
    """What ``--um-per-pixel`` says, for a command that has a model."""
    if um is None or um == "model":
        return cast(Literal["model"] | None, um)
    try:
        return float(um)
    except ValueError:
        raise LexiconError(
            f"--um-per-pixel takes a number of µm per pixel or 'model', not {um!r}: correct the option."
        ) from None


def time_point(t: str) -> int | Literal["all"]:
    """What ``--t`` says."""
    if t == "all":
        return "all"
    if not t.isdigit():
        raise LexiconError(f"--t takes the number of a time point or 'all', not {t!r}: correct the option.")
    return int(t)
