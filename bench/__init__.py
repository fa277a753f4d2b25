"""How fast the record is, beside the raw drivers and the best-known package for event sourcing in Python."""
