"""Which percentiles of a measurement do its samples support, and what are they?"""

from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.99


def samples_needed(share: float) -> int:
    """The fewest samples of which at least two lie beyond the quantile with a probability of 99 %.

    Beyond is above it, and below it for a share under a half. With fewer, a percentile is little else than the
    largest sample, or the smallest. 64 for p90, 130 for p95 and 662 for p99: the
    least counts with which the load generator of MLPerf Inference ends a run early.

    Args:
        share: Of the samples that lie below it, 0.9 for p90; the samples are taken to be independent.
    """
    share, n = max(share, 1 - share), 2
    while share**n + n * (1 - share) * share ** (n - 1) > 1 - CONFIDENCE:
        n += 1
    return n


def percentile(values: Sequence[float], share: float) -> float | None:
    """The quantile, linear between its two neighbours; None below `samples_needed`."""
    return float(np.quantile(values, share)) if len(values) >= samples_needed(share) else None
