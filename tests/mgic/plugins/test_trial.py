"""A plug-in that fails is named with its error, and takes nothing else down."""

from mgic.plugins import Asked, imported, load_tried, trial

REGISTER = "from mgic.reference import RECIPES\nfrom mgic.records import Recipe\n" + (
    'RECIPES.add("{0}", Recipe(name="{0}", title="", summary="", scale="quick", experiment="cost", grids=()))\n'
)
MODULES = {
    "first_good": REGISTER.format("ours"),
    "unfinished": "def broken(:",
    "lacking": REGISTER.format("half_way") + "import nothing_of_the_kind",
    "leaving": "import sys\nsys.exit(3)",
    "unusual": "class E(BaseException):\n    def __str__(self): return 1\nraise E()",
    "clashing": REGISTER.format("ours"),
    "of_the_lab": REGISTER.format("table1"),
    "crashing": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    "endless": "import time\ntime.sleep(600)",
    "second_good": REGISTER.format("half_way"),
}
ERRORS = {
    "unfinished": "SyntaxError: ",
    "lacking": "ModuleNotFoundError: No module named 'nothing_of_the_kind'",
    "leaving": "its import ended the program (sys.exit(3))",
    "unusual": "E",
    "clashing": "ValueError: two recipes are called 'ours': one of first_good, one of clashing",
    "of_the_lab": "ValueError: two recipes are called 'table1': one of mgic.reference.recipes.table1, one of of_",
    "crashing": "its import ended the process (SIGSEGV)",
    "endless": "its import took longer than 5 s",
    "absent": "there is no module absent, neither in the current directory nor installed",
}


def test_each_failure_is_told_and_the_others_pass(tmp_path, monkeypatch):
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    failed = trial([Asked(module=name) for name in (*MODULES, "absent")], limit_s=5)
    assert failed.keys() == ERRORS.keys(), "what failed half way has registered nothing: second_good passes"
    assert {name: failed[name] for name, words in ERRORS.items() if not failed[name].startswith(words)} == {}
    assert not imported(), "this process has imported none of them"


def test_no_plug_ins_cost_nothing():
    assert load_tried([]) == ()
