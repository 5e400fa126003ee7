"""How many rounds of the pursuit are shown."""
