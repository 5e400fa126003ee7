"""The Cells dock."""
