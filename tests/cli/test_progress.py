"""What the commands print."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_lexicon.cli.progress import print_features


def test_features_with_a_name_are_printed_though_others_fire_more(capsys: pytest.CaptureFixture[str]):
    fires = np.linspace(0.9, 0.01, 60)
    table = pd.DataFrame({"name": [f"#{m}" for m in range(60)], "fires": fires})
    table.loc[50, "name"], table.loc[55, "name"] = "bright spots?", "nowhere?"
    table.loc[55, "fires"] = 0.0
    print_features(table, None)
    said = capsys.readouterr().out
    assert "bright spots?" in said
    assert "nowhere?" not in said
    assert "39 more" in said
