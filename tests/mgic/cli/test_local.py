"""The commands that need no server."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgic import __version__, describe
from mgic.cli import app, core
from mgic.cli.terminal import Code
from mgic.records import Uncounted
from tests.cases import thorough

ROOT = Path(__file__).parents[3]
MGIC = str(Path(sys.executable).with_name("mgic"))
TINY = ("classification", "model=mgic_resnet20", "dataset=digits", "width=8", "batch_size=32", "max_steps=2")


def call(*arguments: str, **environment: str):
    return CliRunner().invoke(app, arguments, env=environment)


def told(*arguments: str) -> object:
    done = call(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


FEW = ("dgcnn", "implicit_mlp", "mgic_resnet20", "resnet50", "resnet56")


@pytest.fixture(scope="module", params=[FEW, *thorough(None)], ids=["a few", "all"])
def models(request, tmp_path_factory) -> tuple[list[str], list[dict]]:
    """`mgic list models`, as lines and as JSON; it counts every one that there is."""
    there = [info for info in describe.models() if not request.param or info.name in request.param]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("counted")))
        patched.setattr(core, "models", lambda: there)
        done = call("list", "models")
        assert done.exit_code == 0
        items = told("list", "models")
    assert [item["name"] for item in items] == [info.name for info in there]
    return done.stdout.splitlines(), items


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("experiments", "classification"),
        ("datasets", "digits"),
        ("recipes", "ablation_quick"),
    ],
)
def test_the_name_is_the_first_word_of_its_line(subject, name):
    done = call("list", subject)
    assert done.exit_code == 0
    assert name in [line.split()[0] for line in done.stdout.splitlines()]
    assert name in [item["name"] for item in told("list", subject)]


def test_a_model_is_the_first_word_of_its_line(models):
    lines, items = models
    assert [line.split()[0] for line in lines] == [item["name"] for item in items]
    assert "mgic_resnet20" in [item["name"] for item in items]


def test_a_list_of_models_says_what_each_costs_at_the_input_it_is_made_for(models):
    items = {item["name"]: item for item in models[1]}
    costs = {name: (item["params"], item["macs"], item["input_size"]) for name, item in items.items()}
    assert costs["resnet56"] == (853_018, 125_485_696, [3, 32, 32])  # 0.853M and 125.5M, as published
    assert costs["resnet50"] == (25_557_032, 4_089_184_256, [3, 224, 224])  # 25.6M and 4.1G
    assert costs["implicit_mlp"][2] == [2]
    assert items["dgcnn"]["task"] == "point cloud"
    assert all(item["params"] > 0 and item["macs"] > 0 for item in items.values())


def test_the_columns_of_the_list_of_models_are_aligned(models):
    lines, _ = models
    assert len({line.index("  3x") for line in lines if "  3x" in line}) == 1
    assert len({line.index("image classification") for line in lines if "image classification" in line}) == 1


def test_cost_without_an_input_is_that_of_the_input_the_model_is_made_for():
    assert told("cost", "resnet50")["input_size"] == [3, 224, 224]
    assert told("cost", "dgcnn", "--input", "3,64")["input_size"] == [3, 64]


def test_an_unknown_list_is_answered_with_the_nearest():
    done = call("list", "modles")
    assert done.exit_code == Code.USAGE
    assert "did you mean 'models'?" in done.stderr


def test_cost_in_json_has_the_promised_keys():
    cost = told("cost", "mgic_resnet20", "group_size=8", "coarsest_size=16", "--input", "3,32,32")
    assert {"model", "options", "input_size", "params", "macs", "transfer_macs", "group_sizes", "levels"} <= cost.keys()
    assert cost["uncounted"] == []
    assert cost["input_size"] == [3, 32, 32]
    assert cost["options"]["group_size"] == 8
    assert cost["flops"] == 2 * cost["macs"]
    assert cost["macs_without_transfer"] == cost["macs"] - cost["transfer_macs"]
    assert sum(v["restrict_macs"] + v["prolong_macs"] for v in cost["levels"]) == cost["transfer_macs"]


def test_an_operator_that_is_not_counted_is_named(monkeypatch):
    unknown = Uncounted(operator="aten::_fft_r2c", module="layers.3")
    found = describe.cost("resnet20", {}).model_copy(update={"uncounted": (unknown,)})
    monkeypatch.setattr("mgic.cli.core.cost", lambda *_: found)
    assert told("cost", "resnet20")["uncounted"] == [{"operator": "aten::_fft_r2c", "module": "layers.3"}]
    assert "not counted     aten::_fft_r2c in layers.3" in call("cost", "resnet20").stdout


def test_cost_in_words_shows_both_ways_to_count():
    done = call("cost", "mgic_resnet56", "coarsest_size=64", "group_size=16", "coarsening=released")
    assert "534," in done.stdout.splitlines()[1]  # 0.534M parameters, as published
    assert "FLOPs (2x)" in done.stdout
    assert "without R and P" in done.stdout


def test_cost_of_a_converted_model_shows_what_became_of_what():
    lines = call("cost", "mgic/resnet20").stdout.splitlines()
    assert "of 269,722 before" in lines[1]
    (row,) = [line for line in lines if line.startswith("stages.7 to 8, 2 times")]
    assert row.split()[5:8] == ["BasicBlock", "64-32-16", "8-8-16"]
    assert next(line for line in lines if line.startswith("head")).endswith("gives the network's answer")
    assert len(told("cost", "mgic/resnet20")["conversion"]["left"]) == 4
    done = call("cost", "mgic/timm/test_vit")
    assert done.exit_code == 2
    assert "nothing of the network can be converted" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cost", "mgic_resnet21"], "did you mean 'mgic_resnet"),
        (["cost", "mgic_resnet20", "groupsize=8"], "group_size"),
        (["cost", "mgic_resnet20", "group_size=4,8"], "one value"),
        (["cost", "resnet20", "--input", "3,32"], "--input: must be channels,height,width"),
        (["cost", "dgcnn", "--input", "3,32,32"], "--input: must be channels,points"),
        (["cost", "resnet20", "--input", "3,0,32"], "--input: channels,height,width are wanted"),
        (["cost", "resnet20", "--input", "3,20000,20000"], "--input: must be channels,height,width"),
        (["cost", "resnet20", "in_channels=1", "--input", "3,32,32"], "--input: an input of 3x32x32 does not fit"),
        (["run"], "name an experiment or a recipe"),
        (["run", "clasification"], "did you mean 'classification'?"),
        (["run", "classification", "epochz=3"], "epochz"),
        (["run", "classification", "epochs=0"], "epochs"),
        (["run", "classification", "epochs=3", "epochs=4"], "epochs is given twice"),
        (["run", "classification", "seed=1,1"], "twice"),
        (["run", "classification", "seed=1,,2"], "empty value"),
        (["run", "classification", "model=mgic_resnet20", "width=17"], "17"),
        (["run", "classification", "--device", "tpu"], "auto, cpu or cuda"),
        (["run", "--recipe", "ablation_quik"], "ablation_quick"),
        (["run", "--recipe", "ablation_quick", "epochs=3"], "leave out epochs"),
        (["data", "fetch", "cifar11"], "did you mean 'cifar10"),
        (["frobnicate"], "No such command"),
    ],
)
def test_bad_input_is_2_with_the_reason_and_no_data(arguments, said):
    done = call(*arguments)
    assert done.exit_code == Code.USAGE
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_sweep_is_one_json_line_a_run(tmp_path):
    done = call("run", *TINY, "group_size=4,8", "--out", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert [run["config"]["group_size"] for run in runs] == [4, 8]
    for number, run in enumerate(runs):
        assert run.keys() == {"status", "config", "result", "failure", "environment", "seconds"}
        assert run["status"] == "succeeded"
        assert run["failure"] is None
        kept = json.loads((tmp_path / str(number) / "outcome.json").read_text())
        assert kept == run
        assert (tmp_path / str(number) / "curves.jsonl").read_text()
    assert "run 2/2: succeeded" in done.stderr
    assert "\r" not in done.stderr, "no bar where there is no terminal"


def test_a_quiet_sweep_says_nothing_but_its_data():
    done = call("run", *TINY, "--quiet")
    assert done.exit_code == 0
    assert done.stderr == ""


def test_a_failed_run_is_1_and_a_line_with_its_reason(tmp_path):
    done = call("run", "classification", "learning_rate=1000", "max_steps=20", "--data-dir", str(tmp_path))
    assert done.exit_code == Code.RUN_FAILED
    run = json.loads(done.stdout)
    assert (run["status"], run["failure"]["reason"]) == ("failed", "diverged")
    assert "1 of 1 runs failed" in done.stderr


def test_a_data_set_that_is_not_here_is_said_before_anything_runs(tmp_path):
    done = call("run", "classification", "dataset=digits,cifar10", "max_steps=1", "--data-dir", str(tmp_path))
    assert done.exit_code == Code.USAGE
    assert "mgic data fetch cifar10" in done.stderr
    assert done.stdout == ""


def test_a_data_set_that_is_here_need_not_be_fetched(tmp_path):
    done = call("data", "fetch", "digits", MGIC_DATA_DIR=str(tmp_path))
    assert done.exit_code == 0
    present = {item["name"]: item["present"] for item in told("data", "list")}
    assert present["digits"] is True


def test_help_names_every_command_and_loads_no_torch():
    code = (
        "import sys; from mgic.cli import main; sys.argv = ['mgic', '--help']\ntry: main()\nexcept SystemExit: pass\n"
    )
    check = "assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    shown = subprocess.check_output([sys.executable, "-c", code + check], cwd=ROOT, text=True)
    commands = "list cost run up doctor submit status logs cancel retry table export data"
    assert set(commands.split()) <= set(re.findall(r"^  (\w+) ", shown, re.MULTILINE))


def test_the_version_is_printed():
    assert call("--version").stdout == f"{__version__}\n"


def test_a_reader_that_leaves_early_is_no_error():
    pipe = f"{MGIC} list recipes | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", pipe], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == Code.PIPE_CLOSED
    assert "Traceback" not in done.stderr


def test_ctrl_c_is_130_and_keeps_the_lines_of_finished_runs(tmp_path):
    command = [MGIC, "run", *TINY[:-1], "epochs=1000", f"--out={tmp_path}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline().startswith("run 1/1")
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == Code.INTERRUPTED
    assert "interrupted after 0 finished runs" in said
    assert "Traceback" not in said


def test_the_installed_command_ends_with_the_codes(tmp_path):
    environment = {**os.environ, "MGIC_API_URL": "http://127.0.0.1:9"}
    for arguments, code in ((["status"], 5), (["run", "seed=1"], 2), (["--version"], 0), (["--nonsense"], 2)):
        done = subprocess.run([MGIC, *arguments], cwd=tmp_path, env=environment, capture_output=True, timeout=120)
        assert done.returncode == code, (arguments, done.stderr)


def test_models_of_packages_are_listed_counted_and_refused_by_their_names():
    listed = told("list", "models", "--source", "timm", "--search", "test_resnet")
    assert [info["name"] for info in listed] == ["timm/test_resnet"]
    assert call("list", "models", "--source", "timm", "--search", "ghostnet_050").stdout.startswith("ghostnet_050 ")
    assert told("cost", "timm/test_resnet", "num_classes=7")["model"] == "timm/test_resnet"
    for asked, words in (
        (("list", "models", "--source", "jax"), "--source: registered, timm, torchvision, any"),
        (("list", "recipes", "--search", "x"), "--source and --search are for models"),
        (("cost", "timm/test_resnt"), "did you mean 'timm/test_resnet'?"),
        (("cost", "timm/vit_tiny_patch16_224", "--input", "3,32,32"), "img_size=32 may do"),
    ):
        done = call(*asked)
        assert done.exit_code == Code.USAGE
        assert words in done.stderr


def test_a_search_runs_its_trials_here_and_tells_the_best():
    axes = ("cost", "model=mgic_resnet20", "group_size=4,8,16", "coarsest_size=8,16")
    done = call("run", *axes, "--search", "tpe", "--trials", "9", "--metric", "macs", "--search-seed", "3")
    assert done.exit_code == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    cells = {(one["config"]["group_size"], one["config"]["coarsest_size"]) for one in told}
    assert len(cells) == len(told) == 6
    assert "all 6 cells have been tried" in done.stderr
    least = min(one["result"]["macs"] for one in told)
    assert f"best macs: {least:.6g} (run " in done.stderr


def test_a_search_here_ends_a_training_that_is_behind():
    told = call(
        *("run", *TINY[:-2], "batch_size=64", "epochs=4", "learning_rate=0.1,1e-7", "--metric", "test_loss"),
        *("--search", "qmc", "--trials", "2", "--stop", "median:startup=1,first=2"),
    )
    assert told.exit_code == 0, told.stderr
    runs = [json.loads(line) for line in told.stdout.splitlines()]
    if runs[0]["config"]["learning_rate"] == 0.1:  # the other order ends none: the first has nothing beside it
        assert [run["result"]["stopped_early"] for run in runs] == [False, True]
        assert "1 of 2 runs ended early" in told.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--trials", "5"], "--trials belongs to a search"),
        (["--search", "tpo", "--trials", "5", "--metric", "macs"], "--search:"),
        (["--search", "tpe", "--metric", "macs"], "--trials: Field required"),
        (["--search", "tpe", "--trials", "5", "--metric", "macs", "--range", "side=9:3"], "--range side: min must be"),
        (["--search", "tpe", "--trials", "5", "--metric", "macs", "--range", "side"], "--range: FIELD=MIN:MAX"),
        (["--search", "tpe", "--trials", "5", "--metric", "macs", "--stop", "mean"], "--stop rule"),
        (["--search", "tpe", "--trials", "5", "--metric", "macs"], "nothing to choose"),
        (["--search", "tpe", "--trials", "5", "--metric", "speed", "--range", "side=8:64"], "no number 'speed'"),
    ],
)
def test_what_is_wrong_with_a_search_is_told_by_its_option(words, said):
    done = call("run", "cost", "model=resnet20", *words)
    assert done.exit_code == Code.USAGE
    assert said in done.stderr
