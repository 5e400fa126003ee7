"""What all docks of one viewer share: the current things, opening, jobs, preferences."""
