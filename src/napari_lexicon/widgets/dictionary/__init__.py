"""The Dictionary dock."""
