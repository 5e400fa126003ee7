"""Does a feature that is taught by strong and weak doses rank the doses of other wells?

    LEXICON_DATA=... python benchmarks/quality/taught_dose.py WORK [--quick] [--json FILE]

BBBC016: 24 wells, a dose series in pairs of wells, three fields each. Of each pair one well, drawn at random, is there
to learn from and the other to be ranked. *taught*: wells of 3 uM and more beside those of up to 0.01 uM. *chosen*: the
feature of the built-in dictionary that these wells choose. *ranked*: the feature that follows the dose best in all
wells to learn from. *bright spots*: the feature of that name, which nobody chooses. Spearman correlation with the dose
over the wells left out, by direction; spread over 20 draws, which share their wells, so it says how much the choice of
wells matters. The lexicon is made in WORK, or used where it lies there.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from table import Cell, add_options, finish

from napari_lexicon import api
from napari_lexicon.jobs.lessons import lessons_of_asked_wells
from napari_lexicon.lexicons import Lexicon

DOSE, COLUMN = "Metadata_concentration", "Metadata_col"


def main() -> None:
    """Read the plate, draw wells, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("work", type=Path)
    options = add_options(parser).parse_args()
    plate = Path(os.environ["LEXICON_DATA"]) / "bbbc016_transfluor_gfp"
    out = options.work / "bbbc016.lexicon"
    api.apply(plate / "images", out, plate_map=plate / "labels.csv", device="cpu")
    lexicon = Lexicon.open(out)
    rng = np.random.default_rng(0)
    pairs = np.arange(1, 25).reshape(12, 2)
    draws = [pairs[np.arange(12), rng.integers(2, size=12)] for _ in range(5 if options.quick else 20)]
    found = [ranked(lexicon, draw) for draw in draws]
    cells = [Cell("dose", name, "Spearman", np.array([one[name] for one in found])) for name in found[0]]
    finish(cells, options, ours="taught")


def ranked(lexicon: Lexicon, columns: np.ndarray) -> dict[str, float]:
    """Correlations over the wells that are not in these columns of the plate."""
    plate, dictionary = lexicon.only_plate(), lexicon.dictionary
    directions = plate.directions()
    assert dictionary is not None and directions is not None
    wells = plate.map.loc[list(plate.wells)]
    dose, learn = wells[DOSE].to_numpy(float), wells[COLUMN].isin(columns).to_numpy()
    of = f"{COLUMN} in {columns.tolist()}"
    (lesson,) = lessons_of_asked_wells(lexicon, dictionary, f"{of} and {DOSE} >= 3", f"{of} and {DOSE} < 0.02", None)
    assert lesson.check is not None
    centres, atoms = directions.centres[:, 0], dictionary.atoms.numpy()
    follows = [spearmanr(dose[learn], along).statistic for along in (centres[learn] @ atoms.T).T]
    candidates = {
        "taught": lesson.direction,
        "chosen": atoms[lesson.check.feature],
        "ranked": atoms[int(np.argmax(follows))],
        "bright spots": atoms[next(f for f, name in dictionary.header.taught.items() if name == "bright spots")],
    }
    return {name: float(spearmanr(dose[~learn], centres[~learn] @ way).statistic) for name, way in candidates.items()}


if __name__ == "__main__":
    main()
