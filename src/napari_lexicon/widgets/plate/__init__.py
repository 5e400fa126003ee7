"""The Plate dock."""
