"""The simulated plate and its ground truth: Cell-Painting-like fields with planted phenotypes."""
