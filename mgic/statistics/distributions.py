"""Quantiles of distributions. Scipy is imported by the first that is asked for, and `scipy.stats`, 60 MB, by none."""


def normal(p: float) -> float:
    """The standard normal quantile: below it lies the share `p`."""
    from scipy.special import ndtri

    return float(ndtri(p))


def student(degrees: float, p: float) -> float:
    """The quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, p))


def noncentrality(degrees: float, p: float, t: float) -> float:
    """How far a noncentral t must be shifted for the share `p` of it to lie below `t`."""
    from scipy.special import nctdtrinc

    return float(nctdtrinc(degrees, p, t))
