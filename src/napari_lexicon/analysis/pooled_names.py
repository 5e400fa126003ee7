"""What networks are called in tables; apart, so that reading a table does not load torch."""

MODEL, RANDOM = "model", "random network"
