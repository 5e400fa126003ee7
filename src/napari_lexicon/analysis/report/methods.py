"""Methods text: every setting and version behind a report, in sentences that can be copied into a paper."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from napari_lexicon import __version__
from napari_lexicon.analysis.activity import NULL_SIZE
from napari_lexicon.analysis.confounds import ALPHA, LEAST_SHARE
from napari_lexicon.analysis.doses import CURVE_DOSES
from napari_lexicon.analysis.effects import ENOUGH_ARRANGEMENTS
from napari_lexicon.analysis.enrichment import SHUFFLES
from napari_lexicon.analysis.probes import PROBE_SHUFFLES
from napari_lexicon.analysis.report.drawing import number
from napari_lexicon.analysis.report.findings import GROUND, LEAST_PATCHES, Findings
from napari_lexicon.analysis.report.stains import MOST_READ_AGAIN
from napari_lexicon.lexicons.headers import PlateHeader
from napari_lexicon.lexicons.pixels import illumination_of

_PACKAGES = ("torch", "timm", "numpy", "scipy", "scikit-learn", "scikit-image", "pandas", "anndata", "zarr", "ngio")


def methods(found: Findings) -> list[str]:
    """Paragraphs of plain text."""
    return [
        text
        for text in (
            _images(found),
            _model(found),
            _statistics(found),
            _confounds(found),
            _beside(found),
            _network(found),
            _versions(),
        )
        if text
    ]


def _images(found: Findings) -> str:
    parts = []
    for plate in found.lexicon.plates.values():
        header = plate.header
        windows = ", ".join(f"{c.name} {number(c.low)} to {number(c.high)}" for c in header.channels)
        z = "maximum projection" if header.origin.z == "max" else f"plane {header.origin.z}"
        parts.append(
            f"Plate {header.name}: {plate.n_done()} of {len(header.fields)} fields in {len(plate.wells)} wells "
            f"({header.note or 'read as images'}; {z}, time point {header.origin.t}). Intensity windows per plate and "
            f"channel, in grey values: {windows}.{_light(header)}"
        )
    return " ".join(parts)


def _light(header: PlateHeader) -> str:
    falls = {c.name: light.fall_off for c in header.channels if (light := illumination_of(c)) is not None}
    if not falls:
        return ""
    said = ", ".join(f"{name} {100 * fall:.0f} %" for name, fall in falls.items())
    return (
        " The light of every channel was evened out by a smooth flat field estimated from the plate's own fields; from "
        f"the brightest to the darkest place it fell off by: {said}."
    )


def _model(found: Findings) -> str:
    spec = found.lexicon.backbone
    text = (
        f"Fields were cut into tiles of {spec.tile} pixels (margin {spec.margin}) and embedded with the vision model "
        f"{spec.id} (weights {spec.weights_hash}, block {spec.layer} of {spec.depth}, patches of {spec.patch} pixels, "
        f"{spec.dim} numbers per patch, preprocessing {spec.preprocessing}, licence {spec.licence})."
    )
    dictionary = found.lexicon.dictionary
    if dictionary is None:
        return text
    header, encoder = dictionary.header, dictionary.encoder
    training = header.training
    facts = [
        f"{dictionary.n_features} features",
        f"{dictionary.k} picks per patch",
        f"channels {header.channels_mode}",
        f"whitening {header.whitening.get('form', 'not said')}"
        + (f" on {header.control_tokens} tokens of {header.control_wells} wells" if header.control_tokens else "")
        + (f" ({header.control_query})" if header.control_query else ""),
    ]
    said = {key: training[key] for key in sorted(training) if not isinstance(training[key], (dict, list))}
    settings = json.dumps(said) if said else "not said"
    metrics = "; ".join(
        f"{key.replace('_', ' ')} {number(float(value))}"
        for key, value in header.metrics.items()
        if key in ("explained_variance", "cosine", "l0", "dead_held_out") and isinstance(value, (int, float))
    )
    return (
        f"{text} Patches were coded with the dictionary “{header.name or 'without a name'}” ({dictionary.hash}; "
        f"{'; '.join(facts)}; encoder {json.dumps(_plain(encoder.to_json()))}). Training: {settings}. "
        f"On held-out patches: {metrics or 'not measured'}."
    )


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if isinstance(value, (str, int, float, bool))}


def _statistics(found: Findings) -> str:
    s = found.settings
    tested = len(found.table.features)
    text = (
        f"A feature fires in a patch {found.reading}; parts are of the patches that "
        "count: those not dark in their channel, where the lexicon leaves dark ones out. The unit of every test is "
        "the well: patches and cells of a well are never counted as independent. Of the features in each channel, "
        f"{tested} that fire in at least {LEAST_PATCHES} patches over all wells were tested (a rule that is blind to "
        "treatments)."
    )
    if found.effects is not None:
        text += (
            f" Treatments (column {s.by}, doses taken together) were compared with control wells ({s.controls}) of the "
            "same plates: t-test with pooled variance on the arcsine root of the part of patches, plates as strata; "
            "effect sizes are Hedges’ g on that scale; intervals are 95 %. False-discovery rates are per treatment, "
            f"over all tested features, from {s.permutations} shuffles of treated and control wells within plates "
            "(plug-in estimate, Tusher et al. 2001; where the wells can be dealt out in fewer than "
            f"{ENOUGH_ARRANGEMENTS} ways, the larger of that and Benjamini–Hochberg on the t-tests), called at "
            f"{s.fdr:g}; seed {s.seed}. Features shown with pictures "
            "are those called with the largest difference on the arcsine-root scale, treatment by treatment, leaving "
            "out features that go together over wells (r above 0.97)"
            + (
                f"; features of empty ground (r below {GROUND:g} with their own "
                "stain) and then those that follow the place of a well come last."
                if found.n_measured
                else "."
            )
        )
    if found.activity is not None:
        text += (
            " Replicates: mean average precision against control wells (Kalinin et al. 2025), cosine similarity of "
            "profiles in robust standard deviations of the controls of each plate, centred on their mean; p from "
            f"{NULL_SIZE} shuffles of treated and control wells within plates, each centred on its own controls, "
            "Benjamini–Hochberg over treatments."
        )
    if found.doses is not None:
        text += (
            " Doses: Spearman correlation over wells with controls as dose 0, false-discovery rates from shuffles of "
            f"doses within plates; Hill curves with {CURVE_DOSES} doses or more, by least squares on a grid, intervals "
            "of the half-maximal dose from the profile likelihood."
        )
    return text


def _confounds(found: Findings) -> str:
    parts = []
    if found.confounds is not None:
        parts.append(
            "Confounds: share of a feature’s variation between wells (ranks, adjusted R²) that goes with where a well "
            "is beyond its treatment, or with what was measured in it; flagged where the F-test has q at most "
            f"{ALPHA:g}, the share is at least {100 * LEAST_SHARE:.0f} % and exceeds what the treatment adds."
        )
    if found.n_measured:
        parts.append(
            f"Brightness (mean within the intensity window), sharpness (log variance of the Laplacian over variance), "
            "nuclei (local threshold, distance transform, watershed) were measured in "
            f"{found.n_measured} fields, one per well."
        )
    if found.stains is not None and len(found.stains):
        what = "codes" if found.along is None else "how far patches lie along features"
        parts.append(
            f"Stains: Pearson correlation of {what} with intensity over patches, "
            f"centred within fields, jackknife over wells, in {int(found.stains['n_fields'].max())} fields."
        )
    return " ".join(parts)


def _in_cells(found: Findings) -> str:
    """What is averaged over a cell, where that is not the code."""
    by_direction = found.along is not None and len(found.table) <= MOST_READ_AGAIN
    return "of how far its patches lie along the feature, " if by_direction else ""


def _beside(found: Findings) -> str:
    more, parts = found.beside, []
    if more.selective is not None:
        parts.append(
            "Selectivity: part of patches in which a feature fires under a value minus that under all others "
            "(Donhauser et al. 2025), and minus that under the next best value; intervals with wells as "
            f"clusters; {found.settings.permutations} shuffles of values over wells within plates, false-discovery "
            "rate over all features and values."
        )
    if more.responders is not None:
        parts.append(
            "Cells: nuclei segmented by local threshold and watershed in one field per well; a feature’s value in a "
            f"cell is the mean {_in_cells(found)}over its area. Percentiles 2.5 and 97.5 are of the control cells of "
            "its plate (for cells of control wells: of the other control wells). Parts of wells compared by t-test on "
            "the arcsine root, plates as strata, for cells above and for cells below (or at a lowest value that 2.5 % "
            "of control cells share), the surer side with twice its one-sided p, Benjamini–Hochberg over treatments "
            "and features."
        )
    if more.probes is not None:
        row = more.probes.iloc[0]
        parts.append(
            f"Probes: logistic regression with balanced classes and an L2 penalty of 1, in {int(row['folds'])} "
            "stratified parts of single wells, five splits; features chosen by F-test and scaled on the training "
            f"wells; null of {PROBE_SHUFFLES} shuffles within plates. Sources: {'; '.join(more.probes['source'])}."
        )
    if more.corrections is not None:
        parts.append(
            "Corrections, fitted on control wells and compared on the same splits: "
            f"{', '.join(dict.fromkeys(more.corrections['label'].astype(str)))}."
        )
    if more.counts is not None and len(more.counts):
        parts.append(
            f"Counts: Spearman over wells, the best feature chosen on one half and scored on the other, "
            f"{int(more.counts['n_splits'].iloc[0])} splits; null of 100 shuffles within plates."
        )
    if more.meanings is not None:
        parts.append(
            "Entropy: of the sizes of a feature’s correlations with all measurements, in parts of its largest value "
            "(Le et al. 2024)."
        )
    if more.transfer is not None:
        parts.append("Plate to plate: every plate analysed by itself, as above; Pearson correlation over features.")
    if found.matched is not None:
        parts.append(
            f"Another lexicon ({found.other}): Pearson correlation over patches of two features’ activations, on the "
            "fields that both have, per channel where channels are read apart."
        )
    if more.enrichment is not None:
        parts.append(
            "Names: called features that carry a name or tag, against as many of the most extreme features in "
            f"{SHUFFLES} shuffles of treated and control wells within plates; Benjamini–Hochberg over all rows."
        )
    return " ".join(parts)


def _network(found: Findings) -> str:
    parts = []
    if found.edits is not None:
        parts.append(
            "Edited features: the middle patch of a tile is given another value of the feature along its atom, the "
            "decoder of the masked autoencoder draws the tokens before and after, the difference is added to the "
            "picture, and the picture is embedded and coded again."
        )
    if found.channels is not None:
        parts.append(
            "Channels taken away: tokens of one field of 48 wells at most, or those that the lexicon keeps, with one "
            "channel replaced by the mean token of controls or by tokens of other places, coded again."
        )
    if found.depth is not None:
        parts.append(
            f"Layers: mean tokens of one field of {int(found.depth['n_wells'].max())} wells at most, whitened on "
            "control wells layer by layer; ridge regression with its penalty by generalised cross-validation, in five "
            "parts, five splits; null of 20 shuffles."
        )
    return " ".join(parts)


def _versions() -> str:
    known = []
    for name in _PACKAGES:
        try:
            known.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"Software: napari-lexicon {__version__}, Python {platform.python_version()}, {', '.join(known)}."
