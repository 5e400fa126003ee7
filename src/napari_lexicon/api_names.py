"""The part of the Python API that is about names: sent to a colleague, and taken over into another dictionary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

PathLike = str | Path


def export_names(lexicon: PathLike, out: PathLike) -> int:
    """Write the names of a lexicon's features to one small JSON file that can be sent to a colleague.

    Parameters
    ----------
    lexicon : path
        ``NAME.lexicon``.
    out : path
        File to write.

    Returns
    -------
    int
        Number of names.

    Raises
    ------
    LexiconError
        If nothing is named yet, or the file cannot be written.
    """
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.names_file import write_names

    return len(write_names(Lexicon.open(lexicon), Path(out)).names)


def import_names(lexicon: PathLike, names: PathLike, *, least: float = 0.8, replace: bool = False) -> pd.DataFrame:
    """Give the names of a file to the features of a lexicon, also of another dictionary of the same model.

    Parameters
    ----------
    lexicon : path
        ``NAME.lexicon`` to be named.
    names : path
        File as written by :func:`export_names`.
    least : float
        Cosine from which an atom of another dictionary counts as the same.
    replace : bool
        Names in the file win over those that are there.

    Returns
    -------
    pandas.DataFrame
        What became of every name; see :class:`napari_lexicon.analysis.matched_names.MatchedNames`.

    Raises
    ------
    LexiconError
        If the file is none of names, or they are of another model.
    """
    from napari_lexicon.analysis.matched_names import match_names
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.lexicons.names_file import read_names

    opened = Lexicon.open(lexicon)
    found = match_names(opened, read_names(Path(names)), least=least, replace=replace)
    if found.taken:
        opened.names.put(found.taken)
    return found.table
