"""``python -m napari_lexicon``: the command line."""

from napari_lexicon.cli import main

if __name__ == "__main__":
    main()
