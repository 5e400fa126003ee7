"""The Questions dock: what features mean, asked and answered in the window."""
