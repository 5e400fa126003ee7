"""The Python API: one function per command of ``napari-lexicon``, with the same names and options.

The command line and the dock widgets call what these functions call.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_lexicon.api_names import export_names as export_names
from napari_lexicon.api_names import import_names as import_names
from napari_lexicon.api_options import check_options
from napari_lexicon.api_origins import UmPerPixel, opened_plates, plate_origins, sized
from napari_lexicon.api_plates import TILE as TILE
from napari_lexicon.api_plates import Pages, PathLike, TChoice, ZChoice
from napari_lexicon.api_plates import convert as convert
from napari_lexicon.api_plates import info as info
from napari_lexicon.api_plates import model_card as model_card
from napari_lexicon.api_plates import plate_summary as plate_summary
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent

if TYPE_CHECKING:
    import anndata
    import pandas as pd
    from PIL import Image

    from napari_lexicon.jobs.embedding import FieldsResult, Keep
    from napari_lexicon.jobs.teaching import TeachResult
    from napari_lexicon.jobs.training import TrainJobResult

KEEP_TOKENS = 200_000


def apply(
    plates: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    plate_map: PathLike | None = None,
    pattern: str | None = None,
    name: str | None = None,
    z: ZChoice = "max",
    t: TChoice = 0,
    acquisition: str | int | None = None,
    tile: int = TILE,
    pages: Pages | None = None,
    um_per_pixel: UmPerPixel = None,
    enlarge: float | None = None,
    dictionary: str = "builtin",
    backbone: str | None = None,
    layer: int | None = None,
    device: str = "auto",
    batch: int = 16,
    keep_tokens: Keep = KEEP_TOKENS,
    recompute: bool = False,
    background: Literal["skip", "keep"] = "skip",
    illumination: Literal["none", "correct"] | None = None,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> FieldsResult:
    """Read the features of a dictionary in plates; see :class:`napari_lexicon.jobs.applying.ApplyJob`.

    ``um_per_pixel="model"`` resamples to the pixel size that the backbone is made for, where one is stated.
    """
    origins = plate_origins(plates, pattern, plate_map, name, z, t, acquisition, tile, pages, um_per_pixel, enlarge)
    opened = opened_plates(origins, report)

    from napari_lexicon.jobs.applying import ApplyJob, backbone_name, run_apply

    job = ApplyJob(
        plates=sized(origins, um_per_pixel, lambda: backbone or backbone_name(dictionary)),
        out=str(out),
        dictionary=dictionary,
        backbone=backbone,
        layer=layer,
        device=device,
        batch=batch,
        keep_tokens=keep_tokens,
        recompute=recompute,
        background=background,
        illumination=illumination,
    )
    return run_apply(job, report, should_stop, opened)


def embed(
    plates: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    plate_map: PathLike | None = None,
    pattern: str | None = None,
    name: str | None = None,
    z: ZChoice = "max",
    t: TChoice = 0,
    acquisition: str | int | None = None,
    tile: int = TILE,
    pages: Pages | None = None,
    um_per_pixel: UmPerPixel = None,
    enlarge: float | None = None,
    backbone: str = "builtin",
    layer: int | None = None,
    device: str = "auto",
    batch: int = 16,
    keep_tokens: Keep = KEEP_TOKENS,
    recompute: bool = False,
    illumination: Literal["none", "correct"] | None = None,
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> FieldsResult:
    """Embed plates and keep tokens for training; see :class:`napari_lexicon.jobs.embedding.EmbedJob`.

    ``um_per_pixel="model"`` as for :func:`apply`.
    """
    origins = plate_origins(plates, pattern, plate_map, name, z, t, acquisition, tile, pages, um_per_pixel, enlarge)
    opened = opened_plates(origins, report)

    from napari_lexicon.jobs.embedding import EmbedJob, run_embed

    job = EmbedJob(
        plates=sized(origins, um_per_pixel, lambda: backbone),
        out=str(out),
        backbone=backbone,
        layer=layer,
        device=device,
        batch=batch,
        keep_tokens=keep_tokens,
        recompute=recompute,
        illumination=illumination,
    )
    return run_embed(job, report, should_stop, opened)


def train(
    lexicon: PathLike, out: PathLike, *, report: Report = silent, should_stop: ShouldStop = never, **settings: Any
) -> TrainJobResult:
    """Train a dictionary on the tokens that a lexicon keeps.

    Parameters
    ----------
    lexicon : path
        ``NAME.lexicon`` after embed or apply.
    out : path
        ``.safetensors`` file to write.
    report, should_stop : callable
        Told of every step forward; asked before every step.
    **settings
        Fields of :class:`napari_lexicon.jobs.training.TrainJob`: ``features``, ``iterations``, ``steps``...

    Raises
    ------
    LexiconError
        If there is no such setting, there are no tokens, no or too few control tokens, or training diverges.
    """
    from napari_lexicon.jobs.training import TrainJob, run_train

    check_options("train", TrainJob, settings)
    return run_train(TrainJob(os.fspath(lexicon), os.fspath(out), **settings), report, should_stop)


def teach(
    lexicon: PathLike,
    out: PathLike,
    name: str,
    *,
    report: Report = silent,
    should_stop: ShouldStop = never,
    **pointed: Any,
) -> TeachResult:
    """Teach the dictionary of a lexicon a further feature, and read the plates with it.

    Parameters
    ----------
    lexicon : path
        ``NAME.lexicon`` after apply.
    out : path
        Another lexicon folder, for the larger dictionary and what is read with it.
    name : str
        What the feature is called.
    report, should_stop : callable
        Told of every step forward; asked before every field.
    **pointed
        Fields of :class:`napari_lexicon.jobs.teaching.TeachJob`: ``wells`` and ``against``, or ``places``; ``channel``,
        ``read``...

    Raises
    ------
    LexiconError
        If there is no such option, nothing or too little is pointed at, or ``out`` holds something else.
    """
    from napari_lexicon.jobs.teaching import TeachJob, run_teach

    check_options("teach", TeachJob, pointed)
    return run_teach(TeachJob(os.fspath(lexicon), os.fspath(out), name, **pointed), report, should_stop)


def features(lexicon: PathLike, by: str | None = None, *, beyond: float | None = None) -> pd.DataFrame:
    """One row per feature: how often, how strongly, where; with ``by`` its relation to a column of the plate map.

    See :func:`napari_lexicon.analysis.features.features_table` and
    :func:`napari_lexicon.analysis.features.selectivity_table` for the columns.

    Parameters
    ----------
    lexicon : path
        ``NAME.lexicon`` after apply.
    by : str, optional
        Column of the plate map.
    beyond : float, optional
        Read features by their direction: a patch counts as firing where it lies more than 1, 2 or 3 standard
        deviations of control patches along the feature. By the sparse code where None.
    """
    from napari_lexicon.analysis.features import features_table, selectivity_table
    from napari_lexicon.analysis.lexicon_tables import plate_statistics, stability_of
    from napari_lexicon.lexicons import Lexicon

    opened = Lexicon.open(lexicon)
    plates = plate_statistics(opened, beyond)
    table = features_table(plates, opened.names, stability_of(opened))
    if by is None:
        return table
    return table.join(selectivity_table(plates, by))


def overlay(
    lexicon: PathLike,
    well: str,
    feature: int,
    *,
    field: int = 0,
    channel: str | None = None,
    plate: str | None = None,
    finer: int = 1,
    reading: Literal["code", "direction", "cosine"] = "code",
    backbone: str | None = None,
    report: Report = silent,
) -> Image.Image:
    """A picture of one feature over one field.

    With ``finer`` or ``reading`` the field is read by the backbone again and the result kept in the lexicon.

    Parameters
    ----------
    lexicon : path
        ``NAME.lexicon``.
    well : str
        Well name in any style.
    feature : int
        Number of the feature.
    field : int
        Index of the field within the well.
    channel : str, optional
        Channel to show; the one in which the feature is strongest in this field where None.
    plate : str, optional
        Needed where the lexicon has several.
    finer : int
        By how much the map is finer than the patches along each side: 1, 2 or 4. Tilings shifted by a part of a patch
        are averaged, which takes ``finer ** 2`` times as long.
    reading : {"code", "direction", "cosine"}
        The sparse code, 0 in most patches; or how far every patch lies along the feature's direction, in standard
        deviations of control patches, or as a cosine (what is below 0 is not shown).
    backbone : str, optional
        Needed to read the field again with a local checkpoint.
    report : callable
        Told of the progress.

    Returns
    -------
    PIL.Image.Image
        All channels in their colours, and the channel in grey with the activation map over it.

    Raises
    ------
    LexiconError
        If the well, field, feature or channel does not exist, or the plate's images cannot be found.
    """
    from napari_lexicon.jobs.overlays import feature_overlay
    from napari_lexicon.lexicons import Lexicon

    return feature_overlay(
        Lexicon.open(lexicon),
        well,
        feature,
        field=field,
        channel=channel,
        plate=plate,
        finer=finer,
        reading=reading,
        backbone=backbone,
        report=report,
    )


def ask(
    lexicon: PathLike, question: str, *, picture: PathLike | None = None, report: Report = silent, **options: Any
) -> pd.DataFrame:
    """Put a question to a lexicon; the answer is one tidy table with the number of wells behind every figure.

    Parameters
    ----------
    lexicon : path
        ``NAME.lexicon`` after apply.
    question : str
        Name of one of :data:`napari_lexicon.analysis.questions.QUESTIONS`: ``effects``, ``selectivity``,
        ``selective``, ``activity``, ``alike``, ``enrichment``, ``doses``, ``confounds``, ``corrections``, ``probes``,
        ``depth``, ``counts``, ``meanings``, ``stains``, ``channels``, ``cells``, ``responders``, ``composition``,
        ``edits``, ``match``, ``transfer``. What limits the answer is in ``table.attrs["notes"]``,
        the unit of every column in ``table.attrs["units"]``.
    picture : path, optional
        PNG to write beside the answer, for ``edits``: every edit beside the original, with what is read of it.
    report : callable
        Told of every field that is read.
    **options
        Fields of :class:`napari_lexicon.analysis.asked.Asked`: ``by``, ``controls``, ``across``...

    Raises
    ------
    LexiconError
        If there is no such question or option, it has no picture, or the lexicon does not allow it.
    """
    from napari_lexicon.analysis.asked import Asked
    from napari_lexicon.analysis.questions import answer, answer_in_picture
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.files import check_place, write_bytes_whole

    def told(done: int, total: int, what: str) -> None:
        report(Progress(done, total, what))

    check_options("ask", Asked, options)
    opened, asked = Lexicon.open(lexicon), Asked(**options)
    if picture is None:
        return answer(opened, question, asked, told)
    check_place(Path(picture))
    table, drawn = answer_in_picture(opened, question, asked, told)
    write_bytes_whole(Path(picture), drawn)
    return table


def report(
    lexicon: PathLike,
    out: PathLike,
    *,
    by: str = "Metadata_perturbation",
    controls: str = "Metadata_pert_type == 'negcon'",
    dose: str = "Metadata_concentration",
    features: int = 8,
    fdr: float = 0.05,
    pictures: bool = True,
    network: bool = True,
    beyond: float | None = None,
    other: PathLike | None = None,
    title: str | None = None,
    seed: int = 0,
    report: Report = silent,
) -> Path:
    """Write what a lexicon says of its treatments as one HTML file that needs nothing beside it.

    Parameters
    ----------
    lexicon : path
        ``NAME.lexicon`` after apply.
    out : path
        HTML file to write.
    by, dose : str
        Columns of the plate map: treatment, and dose.
    controls : str
        Question that chooses the negative controls.
    features : int
        How many features are shown with pictures.
    fdr : float
        False-discovery rate up to which a difference is called.
    pictures : bool
        Open the images, for pictures, stains, brightness, sharpness and nuclei.
    network : bool
        Run the model again on some wells, for the figure of layers and for edited features; without, the page takes a
        fraction of the time.
    beyond : float, optional
        Read features by their direction: a feature fires in a patch that lies more than 1, 2 or 3 standard deviations
        of control patches along it. By the sparse code where None.
    other : path, optional
        Second lexicon: of another dictionary over the same plate (features are matched), or of the same dictionary over
        other plates (do effects come back there).
    title : str, optional
        Of the page; the name of the lexicon where None.
    seed : int
        Of the shuffles.
    report : callable
        Told of every field that is read.

    Returns
    -------
    pathlib.Path
        ``out``.

    Raises
    ------
    LexiconError
        If the lexicon has no codes, a column asked for is missing, or the file cannot be written.
    """
    from napari_lexicon.analysis.report import ReportSettings, gathered, report_page
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.files import check_place, write_bytes_whole

    def told(done: int, total: int, what: str) -> None:
        report(Progress(done, total, what))

    settings = ReportSettings(
        by=by,
        controls=controls,
        dose=dose,
        features=features,
        fdr=fdr,
        seed=seed,
        pixels=pictures,
        network=network,
        beyond=beyond,
        other=None if other is None else Path(other),
    )
    check_place(Path(out))
    page = report_page(gathered(Lexicon.open(lexicon), settings, told), told, title=title)
    write_bytes_whole(Path(out), page.encode())
    return Path(out)


def profiles(lexicon: PathLike, plate: str | None = None) -> anndata.AnnData:
    """Profiles of all wells as AnnData; see :func:`napari_lexicon.analysis.wells.profiles`.

    With several plates and none named, all wells stand in one table, indexed ``PLATE/WELL``.
    """
    from napari_lexicon.analysis.lexicon_tables import atoms_of
    from napari_lexicon.analysis.wells import joined_profiles
    from napari_lexicon.lexicons import Lexicon

    opened = Lexicon.open(lexicon)
    chosen = list(opened.plates.values()) if plate is None else [opened.only_plate(plate)]
    names = opened.names
    return joined_profiles(chosen, names, atoms_of(opened))
