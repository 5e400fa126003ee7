"""The Feature map dock."""
