"""A designed experiment: what two fields of a config do to a result, together, and whether a value of them suffices."""
