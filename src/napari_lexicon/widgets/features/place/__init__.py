"""What fires at a clicked place, in a cell or a region, and what looks like it."""
