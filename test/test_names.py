"""One name everywhere: the file, the class, the name and the test of a pass agree."""

from pathlib import Path

import pytest

from edgeir.lowering.pass_registry import our_passes, pass_class_name

ROOT = Path(__file__).parents[1]
PASSES = sorted(our_passes())


def _folder(name: str) -> str:
    return our_passes()[name]().__module__.split(".")[1]


def test_passes_are_found():
    assert "plan-memory" in PASSES


@pytest.mark.parametrize("name", PASSES)
def test_name_is_that_of_file_and_class(name: str):
    pass_class = our_passes()[name]()
    stem = pass_class.__module__.rsplit(".", 1)[1]
    assert pass_class.name == name
    assert stem == name.replace("-", "_")
    assert pass_class.__name__ == pass_class_name(stem)


@pytest.mark.parametrize("name", PASSES)
def test_pass_has_its_test(name: str):
    assert (ROOT / "test" / _folder(name) / f"{name}.mlir").is_file()


@pytest.mark.parametrize("name", PASSES)
def test_pass_says_what_it_does(name: str):
    description = our_passes()[name]().__doc__ or ""
    assert description.strip().split("\n")[0].endswith(".")


@pytest.mark.parametrize("folder", ["passes", "lowering"])
def test_every_lit_test_is_of_a_pass(folder: str):
    tests = {path.stem for path in (ROOT / "test" / folder).glob("*.mlir")}
    # Passes of xDSL that our pipelines use are tested here too.
    assert tests <= {*PASSES, "cse", "dce"}
