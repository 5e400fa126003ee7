"""User errors: each is one sentence that names the file or option, says what is wrong and what to do."""

from __future__ import annotations


class LexiconError(Exception):
    """Base of every error that a person at the screen can act on.

    The window shows the sentence, the command line prints it and exits with 2.
    """


class PlateError(LexiconError):
    """A plate, or a part of it, cannot be read as asked."""


class PlateMapError(LexiconError):
    """A plate map cannot be read, or does not describe this plate."""


class OtherPlatesError(PlateMapError):
    """A plate map describes several plates, none of them by this plate's name."""


class BackboneError(LexiconError):
    """A backbone cannot be found, loaded or run here."""


class DictionaryError(LexiconError):
    """A dictionary file is unreadable, or was made for something else."""


class LexiconFolderError(LexiconError):
    """A lexicon folder is unreadable, of a newer format, or made from something else."""


class JobError(LexiconError):
    """A job cannot start, or ended before its result."""


class SampleError(LexiconError):
    """A simulated plate cannot be made as asked."""
