"""The command line: one command per job and question, with the names and options of the Python API."""

from __future__ import annotations

import logging

from napari_lexicon.cli import computing, teaching, naming, reading  # isort: skip  # in this order they stand in --help
from napari_lexicon.cli.app import app

__all__ = ["app", "computing", "main", "naming", "reading", "teaching"]


def main() -> None:
    """Entry point of the console script."""
    # a broken TIFF becomes one sentence of ours; what tifffile logs on the way says it seven times more
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    app()
