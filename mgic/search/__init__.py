"""The next trials of a search: what there is to choose from, what a sampler chooses, and when a training may end."""
