"""What do the treatments of a plate do? Effects against control wells, by code and by direction, and one page for mail.

python examples/ask_about_treatments.py PLATE.lexicon [FOLDER]
"""

import sys
from pathlib import Path

import napari_lexicon as lexicon

plate, out = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else ".")
for reading, beyond in (("the code", None), ("the direction, over 2 standard deviations of controls", 2.0)):
    effects = lexicon.ask(plate, "effects", beyond=beyond)
    found = effects[effects["q"] <= 0.05].groupby("treatment")["feature"].nunique()
    print(f"Features with an effect (q up to 0.05), counted by {reading}:")
    print(found.to_string() if len(found) else "  none")
    effects.to_csv(out / f"effects-{'code' if beyond is None else 'direction'}.csv", index=False)

page = lexicon.report(plate, out / "report.html", features=4, network=False)
print(f"The report: {page}")
