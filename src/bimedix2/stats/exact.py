"""Exact interval of a proportion, for independent yes or no."""

from bimedix2.errors import DataError, MissingExtra


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval (Clopper and Pearson 1934), by quantiles of the beta distribution.

    Raises:
        DataError: more successes than trials, or no trial.
        MissingExtra: scipy is not installed.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise DataError(f"{successes} of {trials} is no proportion; check the counts")
    try:
        from scipy.stats import beta
    except ImportError as error:
        raise MissingExtra("scipy", "evaluate") from error
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high
