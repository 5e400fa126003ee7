"""Teach a feature for what a treatment does, and ask where it is found.

python examples/teach_a_feature.py X.lexicon NAME CONDITION OUT.lexicon
"""

import sys

import napari_lexicon as lexicon

source, name, condition, out = sys.argv[1:5]
result = lexicon.teach(source, out, name, wells=condition)
print(result.message)

plate = lexicon.Lexicon.open(out).only_plate()
directions = plate.directions()
atom = lexicon.Lexicon.open(out).dictionary.atoms[result.feature].numpy()
channel = [one.name for one in plate.header.channels].index(result.channel)
along = dict(zip(plate.wells, directions.centres[:, channel] @ atom, strict=True))
for well in sorted(along, key=along.get, reverse=True)[:5]:
    print(f"{well} lies {along[well]:+.2f} standard deviations of controls along it")
