"""The page of an ablation, and what only it needs."""
