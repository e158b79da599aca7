"""Results as the tables of a paper: rows over seeds, how they are written, and whether a printed one still holds."""
