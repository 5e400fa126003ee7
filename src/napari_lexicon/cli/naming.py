"""Commands that move names between lexicons: names export, names import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lexicon import api
from napari_lexicon.cli.app import LexiconPath, Quiet, app, example, sentences

names_app = typer.Typer(help="Send names of features to another lexicon.", no_args_is_help=True)
app.add_typer(names_app, name="names")


@names_app.command(
    "export",
    help="Write the names of a lexicon to one small file."
    + example("napari-lexicon names export X.lexicon --out names.json"),
)
def export(
    lexicon: LexiconPath,
    out: Annotated[Path, typer.Option("--out", metavar="JSON", help="File to write.")],
    quiet: Quiet = False,
) -> None:
    with sentences():
        n = api.export_names(lexicon, out)
        if not quiet:
            print(f"{out}: {n} names")


@names_app.command(
    "import",
    help="Give the names of a file to a lexicon; between dictionaries of one model they are matched by their atoms."
    + example("napari-lexicon names import Y.lexicon --from names.json"),
)
def import_(
    lexicon: LexiconPath,
    names: Annotated[Path, typer.Option("--from", metavar="JSON", help="File written by names export.")],
    least: Annotated[
        float, typer.Option("--least", min=0, max=1, help="Cosine from which two atoms count as the same.")
    ] = 0.8,
    replace: Annotated[
        bool, typer.Option("--replace", help="Names in the file win over those that are there.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    with sentences():
        table = api.import_names(lexicon, names, least=least, replace=replace)
        if not quiet:
            print(table.to_string(index=False, formatters={"cosine": "{:.2f}".format}))
