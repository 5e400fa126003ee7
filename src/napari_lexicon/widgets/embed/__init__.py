"""The Embed dock."""
