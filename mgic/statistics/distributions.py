"""Quantiles of distributions. Scipy is imported by the first that is asked for, and `scipy.stats`, 60 MB, by none."""

import math


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


def student_above(degrees: float, t: float) -> float:
    """The share of Student's t above `t`."""
    from scipy.special import stdtr

    return float(stdtr(degrees, -t))


def student_power(degrees: float, shift: float, level: float) -> float:
    """The share of a noncentral t, shifted by so much, above Student's quantile that leaves `level` above itself."""
    from scipy.special import nctdtr

    below = float(nctdtr(degrees, shift, student(degrees, 1 - level)))
    return 1.0 if math.isnan(below) else 1 - below  # scipy has no number where next to nothing lies below


def fisher_above(numerator: float, denominator: float, f: float) -> float:
    """The share of Fisher's F above `f`."""
    from scipy.special import fdtrc

    return float(fdtrc(numerator, denominator, f))


def beta(a: float, b: float, p: float) -> float:
    """The quantile of the beta distribution."""
    from scipy.special import betaincinv

    return float(betaincinv(a, b, p))


def binomial_to(count: int, n: int, share: float) -> float:
    """The probability of at most so many of n cases."""
    from scipy.special import bdtr

    return float(bdtr(count, n, share)) if count >= 0 else 0.0
