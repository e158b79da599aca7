"""One plot a file: a pure step from runs to numbers, and a step that draws them."""
