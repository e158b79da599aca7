"""How large the samples are that MACs are counted for: four times the side is 16 times the cost of one network."""

from collections.abc import Iterable, Mapping

from mgic.records import Config

Sizes = Mapping[str, tuple[int, ...]]  # of one sample, by data set: (channels, height, width)


def size_words(configs: Iterable[Config], sizes: Sizes) -> str:
    """`at 8 x 8`, `at several sizes`; empty where that is not known of all.

    Args:
        configs: Of the runs that are counted.
        sizes: Of the data sets.
    """
    found = {_side(config, sizes) for config in configs}
    if not found or None in found:
        return ""
    return f"at {next(iter(found))}" if len(found) == 1 else "at several sizes"


def _side(config: Config, sizes: Sizes) -> str | None:
    given = config.get("input_size")
    size = given if isinstance(given, list) and given else sizes.get(str(config.get("dataset")), ())
    return " x ".join(map(str, size[1:])) if len(size) > 2 else None
