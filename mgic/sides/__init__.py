"""Two versions of the code, measured in one job on one machine, and the verdict over them. Without torch."""
