"""The activation maps of a field as arrays, on the pixels of its image, to measure them with tools of your own.

python examples/maps_as_arrays.py PLATE.lexicon WELL FEATURE
"""

import sys

import numpy as np
from skimage.measure import label, regionprops

from napari_lexicon.analysis.maps import channel_maps
from napari_lexicon.analysis.pictures import on_pixels
from napari_lexicon.lexicons import Lexicon

lexicon, well, feature = Lexicon.open(sys.argv[1]), sys.argv[2], int(sys.argv[3])
plate = lexicon.only_plate()
number = plate.field_number(well)
codes = plate.codes(number)
if codes is None:
    sys.exit(f"Well {well} has no codes yet: run napari-lexicon apply again.")

for channel, values in channel_maps(codes, feature).items():
    heat = on_pixels(values, lexicon.backbone.patch, plate.fields[number].shape)  # (Y, X) float32, as the image
    regions = regionprops(label(heat > 0), intensity_image=heat)
    largest = max((region.area for region in regions), default=0)
    print(
        f"{plate.header.channels[channel].name}: fires in {np.mean(heat > 0):.1%} of the field, "
        f"{len(regions)} regions, the largest of {largest:.0f} pixels, highest value {heat.max():.2f}"
    )
