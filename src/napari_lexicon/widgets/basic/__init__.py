"""Small views that the docks share."""
