"""The command that teaches a feature."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lexicon import api
from napari_lexicon.cli.app import Batch, Device, LexiconPath, Quiet, app, example, sentences
from napari_lexicon.cli.progress import interruptible, told
from napari_lexicon.errors import LexiconError

if TYPE_CHECKING:
    from napari_lexicon.analysis.lessons import PointedAt
    from napari_lexicon.lexicons import Lexicon

_PLACE = re.compile(r"(?:(?P<plate>[^:]+):)?(?P<well>[^:]+):(?P<field>\d+):(?P<row>\d+),(?P<column>\d+)")


@app.command(
    help="Teach a feature by pointing at wells or patches that have it, and read the plates with it."
    + example("napari-lexicon teach X.lexicon --name 'my drug' --wells \"perturbation == 'drug'\" --out Y.lexicon")
)
def teach(
    lexicon: LexiconPath,
    out: Annotated[Path, typer.Option("--out", metavar="Y.lexicon", help="Folder for what is read with the feature.")],
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What the feature is called.")],
    wells: Annotated[str, typer.Option("--wells", metavar="CONDITION", help="Wells that have it.")] = "",
    against: Annotated[
        str, typer.Option("--against", metavar="CONDITION", help="Wells that have not.")
    ] = "Metadata_pert_type == 'negcon'",
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="WELL:FIELD:ROW,COLUMN", help="A patch that has it; give it again for more."),
    ] = None,
    not_at: Annotated[
        list[str] | None, typer.Option("--not-at", metavar="WELL:FIELD:ROW,COLUMN", help="A patch that has not.")
    ] = None,
    channel: Annotated[str | None, typer.Option("--channel", metavar="NAME", help="Where to learn it.")] = None,
    plate: Annotated[str | None, typer.Option("--plate", metavar="NAME", help="Plate whose wells teach.")] = None,
    read: Annotated[bool, typer.Option("--read/--no-read", help="Read the plates with it.")] = True,
    backbone: Annotated[str | None, typer.Option("--backbone", metavar="PATH", help="Of a local checkpoint.")] = None,
    device: Device = "auto",
    batch: Batch = 16,
    quiet: Quiet = False,
) -> None:
    from napari_lexicon.lexicons import Lexicon

    with sentences(), interruptible() as should_stop, told(quiet) as report:
        opened = Lexicon.open(lexicon)
        places = [_place(opened, text, like) for texts, like in ((at, True), (not_at, False)) for text in texts or ()]
        result = api.teach(
            lexicon,
            out,
            name,
            wells=wells,
            against=against,
            places=tuple(places),
            channel=channel,
            plate=plate,
            read=read,
            backbone=backbone,
            device=device,
            batch=batch,
            report=report,
            should_stop=should_stop,
        )
    for failure in result.failures:
        print(f"left out: {failure.sentence}", file=sys.stderr)
    if not quiet:
        print(f'{result.lexicon}: feature {result.feature}, "{name}". {result.message}')
    if result.stopped:
        print("Stopped: run the same command to go on.", file=sys.stderr)
        raise typer.Exit(2)


def _place(lexicon: Lexicon, text: str, like: bool) -> PointedAt:
    from napari_lexicon.analysis.lessons import PointedAt

    match = _PLACE.fullmatch(text.strip())
    if match is None:
        raise LexiconError(f"A patch is WELL:FIELD:ROW,COLUMN, such as B03:0:12,15, not {text!r}: correct the option.")
    plate = lexicon.only_plate(match["plate"])
    number = plate.field_number(match["well"], index=int(match["field"]))
    return PointedAt(plate.id, number, ((int(match["row"]), int(match["column"])),), like)
