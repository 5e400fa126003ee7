"""Commands that read a lexicon: features, overlay, profiles, ask, report, open."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from napari_lexicon import api
from napari_lexicon.cli.app import LexiconPath, Quiet, app, example, open_window, sentences, write
from napari_lexicon.cli.progress import told
from napari_lexicon.errors import LexiconError

Beyond = Annotated[
    float | None,
    typer.Option(
        metavar="SD",
        help="Read features by direction: a patch fires where it lies over 1, 2 or 3 standard deviations of controls "
        "along the feature. By the code by default.",
    ),
]


@app.command(
    help="One row per feature: how often it fires, how strongly, where; with --by what it has to do with a column."
    + example("napari-lexicon features X.lexicon --by Metadata_perturbation --out features.csv")
)
def features(
    lexicon: LexiconPath,
    by: Annotated[str | None, typer.Option("--by", metavar="COLUMN", help="Column of the plate map.")] = None,
    beyond: Beyond = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="T.csv", help="Write all rows here.")] = None,
    quiet: Quiet = False,
) -> None:
    with sentences():
        table = api.features(lexicon, by, beyond=beyond)
        if out is not None:
            write(out, table.to_csv)
        if not quiet:
            from napari_lexicon.cli.progress import print_features

            print_features(table, out)


class Reading(Enum):
    """What a map shows."""

    code = "code"
    direction = "direction"
    cosine = "cosine"


@app.command(
    help="Paint one feature over one field."
    + example("napari-lexicon overlay X.lexicon --well B03 --field 0 --feature 12 --out overlay.png")
)
def overlay(
    lexicon: LexiconPath,
    well: Annotated[str, typer.Option("--well", help="Well name.")],
    feature: Annotated[list[int], typer.Option("--feature", help="Number of the feature; again for several.")],
    out: Annotated[Path, typer.Option("--out", metavar="PNG|SVG", help="Picture to write.")],
    field: Annotated[int, typer.Option("--field", help="Field of the well, from 0.")] = 0,
    channel: Annotated[str | None, typer.Option("--channel", help="The strongest by default.")] = None,
    plate: Annotated[str | None, typer.Option("--plate", help="Needed where there are several.")] = None,
    finer: Annotated[int, typer.Option(help="1, 2 or 4: maps finer than a patch; reads the field again.")] = 1,
    reading: Annotated[Reading, typer.Option(help="What the map shows; all but the code read the field again.")] = (
        Reading.code
    ),
    backbone: Annotated[str | None, typer.Option(metavar="FILE", help="For a local checkpoint.")] = None,
    threshold: Annotated[float, typer.Option(help="Of several or in SVG: part of the strongest value, 0 to 1.")] = 0.0,
    quiet: Quiet = False,
) -> None:
    from napari_lexicon.lexicons.files import check_place

    with sentences(), told(quiet) as progress:
        check_place(out)
        if len(feature) > 1 or out.suffix.lower() == ".svg" or threshold:
            from napari_lexicon.jobs.shown_maps import FigureJob, run_figure

            job = FigureJob(str(lexicon), str(out), well, tuple(feature), field, channel, plate, threshold)
            run_figure(replace(job, finer=finer, reading=reading.value), progress)
            if not quiet:
                print(out)
            return
        picture = api.overlay(
            lexicon,
            well,
            feature[0],
            field=field,
            channel=channel,
            plate=plate,
            finer=finer,
            reading=reading.value,
            backbone=backbone,
            report=progress,
        )
        write(out, picture.save)
        if not quiet:
            print(out)


@app.command(
    help="Write where features fire as OME-Zarr labels beside the plate's images, or in a folder."
    + example("napari-lexicon labels X.lexicon --feature 12 --well B03 --threshold 0.2")
)
def labels(
    lexicon: LexiconPath,
    feature: Annotated[list[int], typer.Option("--feature", help="Number of the feature; again for several.")],
    well: Annotated[str | None, typer.Option("--well", help="All wells by default.")] = None,
    field: Annotated[int | None, typer.Option("--field", help="Field of the well, from 0; all by default.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Write here, not in the plate.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="The strongest of all by default.")] = None,
    plate: Annotated[str | None, typer.Option("--plate", help="Needed where there are several.")] = None,
    threshold: Annotated[float, typer.Option(help="Part of the feature's strongest value, 0 to 1.")] = 0.0,
    finer: Annotated[int, typer.Option(help="1, 2 or 4: maps finer than a patch; reads the fields again.")] = 1,
    reading: Annotated[Reading, typer.Option(help="As for overlay.")] = Reading.code,
    quiet: Quiet = False,
) -> None:
    from napari_lexicon.jobs.shown_maps import LabelsJob, run_labels

    with sentences(), told(quiet) as progress:
        place = None if out is None else str(out)
        job = LabelsJob(str(lexicon), tuple(feature), well, field, place, channel, plate, threshold)
        done = run_labels(replace(job, finer=finer, reading=reading.value), progress)
        if not quiet:
            print(done.message)


@app.command(
    help="Write the profiles of all wells as AnnData." + example("napari-lexicon profiles X.lexicon --out P.h5ad")
)
def profiles(
    lexicon: LexiconPath,
    out: Annotated[Path, typer.Option("--out", metavar="P.h5ad", help="File to write.")],
    plate: Annotated[str | None, typer.Option("--plate", help="One plate only.")] = None,
    quiet: Quiet = False,
) -> None:
    with sentences():
        if out.suffix != ".h5ad":
            raise LexiconError(f"Profiles are AnnData: give --out a name that ends in .h5ad, not {out.name}.")
        data = api.profiles(lexicon, plate)
        write(out, data.write_h5ad)
        if not quiet:
            layers = ", ".join(name for name in data.layers if name)  # anndata 0.13 lists X among them, without a name
            print(f"{out}: {data.n_obs} wells, {data.n_vars} features, layers {layers}")


class Per(Enum):
    """What a row of measurements is about."""

    well = "well"
    field = "field"


@app.command(
    help="Put a question to a lexicon: effects, selectivity, selective, activity, alike, enrichment, doses, confounds, "
    "corrections, probes, depth, counts, meanings, stains, channels, cells, responders, composition, edits, match or "
    "transfer." + example("napari-lexicon ask X.lexicon effects --out effects.csv")
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
    active: Annotated[
        str, typer.Option(metavar="positive|nonzero|LEVEL", help="When a feature counts as active in a patch.")
    ] = "positive",
    kind: Annotated[str | None, typer.Option(metavar="COLUMN", help="Target or mechanism, for activity.")] = None,
    known: Annotated[
        str | None, typer.Option(metavar="CONDITION", help="Wells of known treatments, for alike.")
    ] = None,
    measurements: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Numbers per well; measured from the images by default.")
    ] = None,
    per: Annotated[Per, typer.Option(help="What a row of measurements is about, for counts and meanings.")] = Per.well,
    other: Annotated[Path | None, typer.Option(metavar="Y.lexicon", help="Second lexicon.")] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="FOLDER|NAME", help="Labels of cells; nuclei are segmented by default.")
    ] = None,
    features: Annotated[str, typer.Option(metavar="N,N...", help="Features to read in cells, or to edit.")] = "",
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Open the images for what goes beside.")
    ] = True,
    seed: Annotated[int, typer.Option(metavar="S", help="Of splits and shuffles.")] = 0,
    beyond: Beyond = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="T.csv", help="Write all rows here.")] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Draw what edits make of patches, and whether each is read as asked."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    from napari_lexicon.lexicons.files import check_place

    with sentences(), told(quiet) as progress:
        if out is not None:
            check_place(out)
        table = api.ask(
            lexicon,
            question,
            by=by,
            dose=dose,
            controls=controls,
            channel=channel,
            across=across,
            active=active,
            kind=kind,
            known=known,
            measurements=measurements,
            per=per.value,
            other=other,
            labels=labels,
            features=_numbers(features),
            pixels=pictures,
            seed=seed,
            beyond=beyond,
            picture=picture,
            report=progress,
        )
        if out is not None:
            write(out, lambda path: table.to_csv(path, index=False))
    if not quiet:
        from napari_lexicon.analysis.notes import notes_of
        from napari_lexicon.cli.progress import print_answer

        print_answer(table, out)
        for note in notes_of(table):
            print(note, file=sys.stderr)


@app.command(
    help="Write one HTML page: what tells treatments from controls, how sure it is, pictures and methods."
    + example("napari-lexicon report X.lexicon --out report.html")
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
    network: Annotated[
        bool, typer.Option("--network/--no-network", help="Embed some wells again, for layers and edited features.")
    ] = True,
    beyond: Beyond = None,
    other: Annotated[
        Path | None,
        typer.Option(metavar="Y.lexicon", help="Second lexicon: match its features, or look for effects there."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Of the page.")] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Of the shuffles.")] = 0,
    quiet: Quiet = False,
) -> None:
    with sentences(), told(quiet) as progress:
        api.report(
            lexicon,
            out,
            by=by,
            controls=controls,
            dose=dose,
            features=features,
            fdr=fdr,
            pictures=pictures,
            network=network,
            beyond=beyond,
            other=other,
            title=title,
            seed=seed,
            report=progress,
        )
    if not quiet:
        print(out)


@app.command("open", help="Open a lexicon in napari." + example("napari-lexicon open X.lexicon"))
def open_(lexicon: LexiconPath) -> None:
    with sentences():
        open_window(lexicon)


def _numbers(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdigit() for part in parts):
        raise LexiconError(
            f"--features takes numbers joined by commas, such as 12,40, not {text!r}: correct the option."
        )
    return tuple(int(part) for part in parts)
