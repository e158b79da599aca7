"""Which extra of the distribution brings a package that the core does without, and what a wheel leaves out."""

from importlib.util import find_spec

_OF = {  # by the name of its distribution, or of what is imported
    "scikit-learn": "train",
    "sklearn": "train",
    "torchmetrics": "train",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "openvino": "openvino",
    "torch_pruning": "prune",
    "optuna": "search",
    "skimage": "pictures",
    "choreographer": "figures",
    "kaleido": "figures",
    "plotly": "figures",
    "ruptures": "figures",
}
NEEDS = {"onnxruntime": ("onnx", "onnxruntime"), "openvino": ("openvino", "onnx", "onnxruntime")}  # engines
SERVICE = ("backend", "worker", "dashboard")
ALONE = "this installation is the library alone: the service runs from a checkout of the project, with `make up`"


def how_to_get(error: BaseException) -> str:
    """For an import that failed because an extra is not installed, the words to get it; else empty."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return ""
    package = error.name.partition(".")[0]
    return _words(package) if package in _OF else ""


def what_lacks(name: str) -> str:
    """What is not installed of the packages of an engine, or of a package, and how to get it; else empty."""
    return next((_words(package) for package in NEEDS.get(name, (name,)) if find_spec(package) is None), "")


def _words(package: str) -> str:
    return f"{package} is not installed; get it with: pip install 'mgic[{_OF[package]}]'"


def installed_extras() -> tuple[str, ...]:
    """Those of which no package is missing."""
    needs: dict[str, list[str]] = {}
    for package, extra in _OF.items():
        needs.setdefault(extra, []).append(package)
    return tuple(extra for extra, names in needs.items() if all(map(_is_here, names)))


def _is_here(package: str) -> bool:
    """The name of a distribution that cannot be imported stands for nothing."""
    return not package.isidentifier() or find_spec(package) is not None


def has_service() -> bool:
    """Whether the packages of the service are beside the library, which no wheel holds: setup.py."""
    return all(find_spec(name) is not None for name in SERVICE)
