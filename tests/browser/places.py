"""An address of every page, with something on it and without."""

from mgic.client import Client
from mgic.records import Run, SweepRequest
from tests.comparisons import CASES, drawn

ALONE = ("new", "sweeps", "runs", "regressions", "reconstructions", "models", "paper", "system", "help")
NOTHING_YET = {
    "overview": "/",
    **{name: f"/{name}" for name in (*ALONE, "sweep", "run", "compare", "tradeoff", "ablation", "latency", "model")},
}


def full(client: Client) -> dict[str, str]:
    """Of the shipped results, which are loaded into the service, and of a sweep of its own."""
    by_experiment = {sweep.experiment: sweep for sweep in client.load_demo()}
    trained, timed = by_experiment["classification"], by_experiment["latency"]
    runs = client.sweep_runs(trained.id)
    client.wait(client.submit(SweepRequest(experiment="channel_scaling", axes={"channels": [64, 128]})).id, timeout=120)
    compared = [client.add_comparison(drawn(case, number)) for number, case in enumerate(CASES)]
    several = ",".join(str(run.id) for run in _of_two_seeds(runs))
    return {
        "overview": "/",
        **{name: f"/{name}" for name in ALONE},
        "new": "/new?experiment=classification",
        "sweep": f"/sweep?sweep={trained.id}",
        "run": f"/run?run={runs[0].id}",
        "compare": f"/compare?run={several}",
        "tradeoff": f"/tradeoff?sweep={trained.id}",
        "ablation": f"/ablation?sweep={trained.id}",
        "latency": f"/latency?sweep={timed.id}",
        "model": "/model?model=mgic_resnet20",
        "comparison": f"/regressions?comparison={compared[CASES.index('regression')].id}",
    }


def _of_two_seeds(runs: list[Run]) -> list[Run]:
    """Two configs with two seeds each."""
    return [run for run in runs if run.config["seed"] in (0, 1)][:4]
