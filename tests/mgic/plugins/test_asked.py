"""What is asked for, on a command line and in a variable."""

import pytest

from mgic.cli.terminal import imports_first
from mgic.errors import BadConfig
from mgic.plugins import Asked, asked, split_names
from mgic.plugins.loading import rerun, words_for
from tests.outside import install


@pytest.mark.parametrize("text", ["a/b.py", "a.", "1a", "a b", "a;import os", "lab_nets:net"])
def test_only_names_of_modules_are_taken(text):
    with pytest.raises(BadConfig, match="is no name of a module"):
        split_names(f"fine,{text}", "MGIC_IMPORT")
    assert split_names(" a, b.c ,", "MGIC_IMPORT") == ("a", "b.c")


@pytest.mark.parametrize(("name", "whose"), [("worker.nets", "the lab's"), ("types", "Python's")])
def test_a_module_of_the_lab_or_of_python_is_not_taken_for_ones_own(name, whose):
    with pytest.raises(BadConfig, match=f"{name} would be {whose} own module, not one of yours"):
        split_names(name, "--import")


def test_the_option_may_stand_behind_the_command():
    words = ["list", "--import", "a", "models", "--json", "--import=b", "--", "--import", "c"]
    assert imports_first(words) == ["--import", "a", "--import=b", "list", "models", "--json", "--", "--import", "c"]


def test_an_installed_package_declares_what_is_imported_and_a_name_makes_it_needed(tmp_path, monkeypatch):
    install(tmp_path, "lab-nets", "lab_nets")
    monkeypatch.syspath_prepend(tmp_path)
    assert asked(["mine"]) == (Asked(module="mine"), Asked(module="lab_nets", by="lab-nets 1.0", needed=False))
    assert asked(["lab_nets"]) == (Asked(module="lab_nets"),)


def test_a_process_that_is_started_is_told_nothing_where_there_is_nothing():
    assert words_for([]) == []
    assert rerun([]) == ()
