import ast
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from xdsl.parser import Parser

import edgeir
from edgeir.dialects import memory
from edgeir.dialects.context import edge_context
from edgeir.passes.planners.liveness import analyse
from edgeir.runtime.program import ProgramFile, SegmentsBuilder, read_program, write_program, writer
from edgeir.runtime.program.schema import BackendDelegate, CompileSpec, DelegateCall, KernelCall
from edgeir.tools.edge_inspect import main
from edgeir.tools.edge_translate import main as translate
from edgeir.tools.inspection.lifetimes import Span, lifetimes


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor):
        return x + self.down(torch.relu(self.up(x)))


class Net(nn.Module):
    def __init__(self, blocks: int):
        super().__init__()
        self.embed = nn.Linear(16, 8)
        self.blocks = nn.ModuleList(Block(8) for _ in range(blocks))

    def forward(self, x: torch.Tensor):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return x


def _compile(blocks: int, path: Path) -> Any:
    torch.manual_seed(0)
    program = edgeir.compile(Net(blocks).eval(), (torch.zeros(4, 16),))
    program.save(str(path))
    return program


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "net.pte"
    _compile(2, path)
    return path


MEMORY = """\
memory.method @forward attributes {arenas = array<i64: 0, 96>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<4xf32>>
  %twice = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  %flag = memory.planned in 1 at 32 : !memory.slot<tensor<i1>>
  %late = memory.planned in 1 at 48 : !memory.slot<tensor<4xf32>>
  %sum = memory.planned "sum" in 1 at 64 : !memory.slot<tensor<4xf32>>
  %one = memory.scalar 1 : i64
  %limit = memory.scalar 9.0 : f64
  memory.begin ins(%x) outs(%sum)
  memory.call @"aten::add.out"(%x, %x, %one) outs(%twice)
  memory.call @"aten::relu.out"(%twice) outs(%late)
  memory.call @"aten::add.out"(%late, %twice, %one) outs(%sum)
  memory.end
}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    source, path = tmp_path / "small.mlir", tmp_path / "small.pte"
    source.write_text(MEMORY)
    assert translate([str(source), "-o", str(path)]) == 0
    return path


def _text(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def _json(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    return json.loads(_text([str(path), "--json", *options], capsys))


# --- text and data --------------------------------------------------------------------------------


def test_text_of_a_small_program(small: Path, capsys: pytest.CaptureFixture[str]):
    lines = _text([str(small)], capsys).splitlines()
    assert lines[0] == str(small)
    assert "method forward" in lines
    assert "    x  f32[4]  16 bytes" in lines
    assert "    2  aten::add.out" in lines
    assert "  arena 1: 96 bytes, at most 48 live, at 3" in lines
    plan = [line.split() for line in lines if ".." in line]
    assert ["16", "16", "1..3", "%1", "f32[4]", "aten::add.out"] in plan
    assert ["0", "16", "0..1", "x", "input", "f32[4]"] in plan


def test_data_of_a_model(net: Path, capsys: pytest.CaptureFixture[str]):
    report = _json(net, capsys)
    (method,) = report["methods"]
    assert method["inputs"] == [
        {"name": "x", "dtype": "f32", "shape": [4, 16], "dynamic": False, "bytes": 256}
    ]
    assert [output["bytes"] for output in method["outputs"]] == [4 * 8 * 4]
    assert method["operators"] == {"aten::addmm.out": 5, "aten::add.out": 2, "aten::relu.out": 2}
    assert sum(method["operators"].values()) == len(method["instructions"])
    line = method["instructions"][1]
    assert (line["operator"], line["module"]) == ("aten::addmm.out", "blocks.0.up")
    assert line["file"].endswith("test_edge_inspect.py")
    source = Path(__file__).read_text().splitlines()
    assert "self.up(x)" in source[line["line"] - 1]


def test_sizes_of_a_model(net: Path, capsys: pytest.CaptureFixture[str]):
    report = _json(net, capsys)
    block = {"up": (8 * 32 + 32) * 4, "down": (32 * 8 + 8) * 4}
    assert report["by_module"] == {
        "blocks.0.up": block["up"],
        "blocks.1.up": block["up"],
        "blocks.0.down": block["down"],
        "blocks.1.down": block["down"],
        "embed": (16 * 8 + 8) * 4,
    }
    total = sum(report["by_module"].values())
    assert report["by_dtype"] == {"f32": total}
    assert report["by_operator"] == {"aten::addmm.out": total}


def test_bytes_of_the_file_add_up(net: Path, capsys: pytest.CaptureFixture[str]):
    sizes = _json(net, capsys)["file"]
    assert sizes.pop("bytes") == net.stat().st_size == sum(sizes.values())
    assert min(sizes.values()) >= 0


def test_constants_with_one_use_of_two_methods_count_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    model, x = Net(0).eval(), (torch.zeros(4, 16),)
    both = {name: torch.export.export(model, x) for name in ("encode", "decode")}
    path = tmp_path / "both.pte"
    edgeir.compile(both).save(str(path))
    report = _json(path, capsys)
    assert {method["name"] for method in report["methods"]} == {"encode", "decode"}
    assert len(report["constants"]) == 2
    assert report["operators"] == {"aten::addmm.out": 2}


def test_output_is_the_same_every_time(net: Path, capsys: pytest.CaptureFixture[str]):
    for options in ([], ["--json"], ["--operators"]):
        assert _text([str(net), *options], capsys) == _text([str(net), *options], capsys)


# --- the memory plan ------------------------------------------------------------------------------


def test_live_bytes_are_within_the_arena(net: Path, capsys: pytest.CaptureFixture[str]):
    (method,) = _json(net, capsys)["methods"]
    (arena,) = method["arenas"]
    assert 0 < arena["peak_live"] <= arena["bytes"]
    assert max(live for _, live in arena["live"]) == arena["peak_live"]
    assert all(a < b for (a, _), (b, _) in pairwise(arena["live"]))


def test_tensors_live_at_once_do_not_overlap(net: Path, capsys: pytest.CaptureFixture[str]):
    """But for a result that takes the place of its operand, at the instruction that makes it."""
    (method,) = _json(net, capsys)["methods"]
    tensors = method["planned"]
    for i, a in enumerate(tensors):
        for b in tensors[i + 1 :]:
            apart = (
                a["offset"] + a["bytes"] <= b["offset"] or b["offset"] + b["bytes"] <= a["offset"]
            )
            together = min(a["last"], b["last"]) - max(a["first"], b["first"])
            assert apart or together <= 0


def _planned_spans(text: str) -> dict[int, Span]:
    """What the planner's own analysis says of the same method, by slot."""
    context = edge_context()
    module = Parser(context, text).parse_module()
    method = next(op for op in module.walk() if isinstance(op, memory.MethodOp))
    found = analyse(method).spans
    # It counts `memory.end`, which is no instruction of a program.
    exit = len(list(method.instructions))
    return {
        i: Span(found[op.slot].first, min(found[op.slot].last, exit))
        for i, op in enumerate(method.slots)
        if isinstance(op, memory.PlannedOp) and op.slot in found
    }


LOOP = """\
memory.method @forward attributes {arenas = array<i64: 0, 64>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<4xf32>>
  %y = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  %t = memory.planned in 1 at 32 : !memory.slot<tensor<4xf32>>
  %flag = memory.planned in 1 at 48 : !memory.slot<tensor<i1>>
  %one = memory.scalar 1 : i64
  memory.begin ins(%x) outs(%y)
  memory.call @"aten::add.out"(%x, %x, %one) outs(%y)
  memory.jump ^bb1
^bb1:
  memory.call @"aten::relu.out"(%x) outs(%t)
  memory.call @"aten::add.out"(%y, %t, %one) outs(%y)
  memory.call @"aten::any.all_out"(%y) outs(%flag)
  memory.jump_false %flag, ^bb1, ^bb2
^bb2:
  memory.call @"aten::add.out"(%y, %y, %one) outs(%y)
  memory.end
}
"""


def test_what_a_loop_reads_is_live_in_the_whole_loop(tmp_path: Path):
    source, path = tmp_path / "loop.mlir", tmp_path / "loop.pte"
    source.write_text(LOOP)
    assert translate([str(source), "-o", str(path)]) == 0
    x, y, t, flag = lifetimes(read_program(str(path)).program.execution_plan[0]).values()
    assert x == Span(0, 5)
    assert y == Span(1, 7)
    assert t == Span(2, 3)
    assert flag == Span(4, 5)


STATE = """\
memory.method @forward attributes {arenas = array<i64: 0, 48>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<4xf32>>
  %state = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  %sum = memory.planned in 1 at 32 : !memory.slot<tensor<4xf32>>
  %one = memory.scalar 1 : i64
  %no = memory.scalar false
  memory.begin ins(%x) outs(%sum)
  memory.call @"aten::add.out"(%x, %state, %one) outs(%sum)
  memory.call @"aten::copy_"(%state, %sum, %no) returns(%state)
  memory.end
}
"""


def test_state_is_live_all_the_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, path = tmp_path / "state.mlir", tmp_path / "state.pte"
    source.write_text(STATE)
    assert translate([str(source), "-o", str(path)]) == 0
    (method,) = _json(path, capsys)["methods"]
    plan = {t["slot"]: (t["role"], t["first"], t["last"]) for t in method["planned"]}
    assert plan == {0: ("input", 0, 1), 1: ("state", 0, 3), 2: ("output", 1, 3)}


VIEWS = """\
memory.method @forward attributes {arenas = array<i64: 0, 48>} {
  %x = memory.planned "x" in 1 at 0 : !memory.slot<tensor<4xf32>>
  %y = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  %flat = memory.view %y : !memory.slot<tensor<1x4xf32>>
  %square = memory.view %flat : !memory.slot<tensor<2x2xf32>>
  %sum = memory.planned "sum" in 1 at 32 : !memory.slot<tensor<2x2xf32>>
  %one = memory.scalar 1 : i64
  memory.begin ins(%x) outs(%sum)
  memory.call @"aten::relu.out"(%x) outs(%y)
  memory.call @"aten::add.out"(%square, %square, %one) outs(%sum)
  memory.end
}
"""


def test_a_view_is_live_from_where_its_bytes_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source, path = tmp_path / "views.mlir", tmp_path / "views.pte"
    source.write_text(VIEWS)
    assert translate([str(source), "-o", str(path)]) == 0
    (method,) = _json(path, capsys)["methods"]
    views = [t for t in method["planned"] if t["role"] == "view"]
    assert [(t["shape"], t["first"], t["last"]) for t in views] == [([2, 2], 1, 2)]
    assert views[0]["operator"] == "aten::relu.out"
    assert method["arenas"][0]["peak_live"] == 32


def test_delegates(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (plan,) = read_program(str(small)).program.execution_plan
    builder = SegmentsBuilder()
    spec = CompileSpec("precision", b"int8")
    plan.delegates = [BackendDelegate("npu", builder.add_delegate(b"payload"), [spec])]
    plan.chains[0].instructions[0] = DelegateCall(0, [0, 1])
    path = tmp_path / "delegated.pte"
    path.write_bytes(write_program(builder.build([plan])))
    report = _json(path, capsys)
    (delegate,) = report["delegates"]
    assert (delegate["backend"], delegate["bytes"], delegate["calls"]) == ("npu", 7, 1)
    assert delegate["options"] == ["precision (4 bytes)"]
    assert report["operators"]["delegate npu"] == 1
    written = {t["slot"]: t["operator"] for t in report["methods"][0]["planned"]}
    assert written[1] == "delegate npu"
    assert "payload of npu" in _text([str(path)], capsys)


def test_lifetimes_are_those_of_the_planner(tmp_path: Path):
    path = tmp_path / "net.pte"
    program = _compile(3, path)
    plan = read_program(str(path)).program.execution_plan[0]
    assert lifetimes(plan) == _planned_spans(program.stages["memory"])


# --- operators ------------------------------------------------------------------------------------


def test_operator_list_is_that_of_executorch(net: Path, tmp_path: Path):
    yaml = pytest.importorskip("yaml", reason="reads the YAML that ExecuTorch's tool writes")
    tool = pytest.importorskip("executorch.codegen.tools.gen_oplist")
    ours, theirs = tmp_path / "ours.yaml", tmp_path / "theirs.yaml"
    assert main([str(net), "--operators", "-o", str(ours)]) == 0
    tool.gen_oplist(theirs, str(net))

    def read(path: Path) -> Any:
        data = yaml.safe_load(path.read_text())
        # Theirs come from a set, in no order.
        data["et_kernel_metadata"] = {k: sorted(v) for k, v in data["et_kernel_metadata"].items()}
        return data

    assert read(ours) == read(theirs)


def test_selective_build_takes_the_operator_list(net: Path, capsys: pytest.CaptureFixture[str]):
    selector = pytest.importorskip("torchgen.selective_build.selector")
    builder = selector.SelectiveBuilder.from_yaml_str(_text([str(net), "--operators"], capsys))
    assert builder.is_operator_selected("aten::relu.out")
    assert not builder.is_operator_selected("aten::tanh.out")
    assert builder.et_get_selected_kernels("aten::relu.out", ["v1/6;0,1|6;0,1|6;0,1"]) == [
        "v1/6;0,1|6;0,1|6;0,1"
    ]


# --- check ----------------------------------------------------------------------------------------


def _damaged(net: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file: ProgramFile = read_program(str(net))
    plan = file.program.execution_plan[0]
    first, second, third, *_ = plan.chains[0].instructions
    assert isinstance(first, KernelCall) and isinstance(second, KernelCall)
    assert isinstance(third, KernelCall)
    first.args[0] = 9999
    second.args.pop()
    third.op_index = 77
    monkeypatch.setattr(writer, "verify_program", lambda file: None)
    path.write_bytes(write_program(file))
    return path


def test_sound_program_is_quiet(net: Path, capsys: pytest.CaptureFixture[str]):
    assert _text([str(net), "--check"], capsys) == ""


def test_all_mistakes_are_shown_with_their_lines(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    bad = _damaged(net, tmp_path / "bad.pte", monkeypatch)
    assert main([str(bad), "--check"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{bad}: error: method 'forward', instruction") for line in lines)
    assert "instruction 0 (aten::addmm.out), embed (" in lines[0]
    assert "value 9999 does not exist" in lines[0]
    assert "instruction 1 (aten::addmm.out), blocks.0.up (" in lines[1]
    assert "takes 7 arguments, not 6" in lines[1]
    assert "instruction 2, blocks.0 (" in lines[2]
    assert "operator 77 does not exist" in lines[2]


def test_mistakes_as_data(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    bad = _damaged(net, tmp_path / "bad.pte", monkeypatch)
    assert main([str(bad), "--check", "--json"]) == 1
    mistakes = json.loads(capsys.readouterr().out)
    assert [mistake["instruction"] for mistake in mistakes] == [0, 1, 2]
    assert [mistake["module"] for mistake in mistakes] == ["embed", "blocks.0.up", "blocks.0"]


# --- diff -----------------------------------------------------------------------------------------


def test_equal_programs_do_not_differ(net: Path, capsys: pytest.CaptureFixture[str]):
    assert _text([str(net), "--diff", str(net)], capsys) == ""
    assert _json(net, capsys, "--diff", str(net)) == []


def test_a_block_more(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    larger = tmp_path / "larger.pte"
    _compile(3, larger)
    changes = {
        (c["what"], c["name"]): (c["old"], c["new"])
        for c in _json(net, capsys, "--diff", str(larger))
    }
    assert changes["method forward: operators", "aten::addmm.out"] == (5, 7)
    assert changes["bytes by module", "blocks.2.up"] == (None, (8 * 32 + 32) * 4)
    assert changes["file", "bytes"] == (net.stat().st_size, larger.stat().st_size)
    assert ("bytes by module", "blocks.0.up") not in changes
    text = _text([str(net), "--diff", str(larger)], capsys)
    assert re.search(r"aten::addmm\.out +5 +-> +7 +\+2", text)


def test_other_values(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = read_program(str(net))
    data = bytearray(file.segments[0])
    data[0] ^= 1
    file.segments[0] = bytes(data)
    other = tmp_path / "other.pte"
    other.write_bytes(write_program(file))
    (change,) = _json(net, capsys, "--diff", str(other))
    assert change["what"] == "stored tensors"
    assert change["new"] == "other values"


# --- page -----------------------------------------------------------------------------------------


class _Page(HTMLParser):
    """Collects tags, checks that they nest, and what a page would load."""

    VOID = frozenset({"meta", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _page(path: Path, output: Path, *options: str) -> str:
    assert main([str(path), "--html", str(output), *options]) == 0
    return output.read_text(encoding="utf-8")


def test_page_is_one_well_formed_file(net: Path, tmp_path: Path):
    text = _page(net, tmp_path / "report.html")
    page = _Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.loads == []
    assert "url(" not in text and "@import" not in text
    data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["methods"][0]["name"] == "forward"


def test_page_shows_the_source_below_its_folder_only(net: Path, tmp_path: Path):
    here = Path(__file__)
    assert "def test_page_shows" in _page(net, tmp_path / "a.html", "--source", str(here.parent))
    assert "def test_page_shows" not in _page(net, tmp_path / "b.html", "--source", str(tmp_path))


def test_names_cannot_leave_the_data(net: Path, tmp_path: Path):
    file = read_program(str(net))
    evil = "</script><script>alert(1)</script><!--"
    file.program.execution_plan[0].name = evil
    path = tmp_path / "evil.pte"
    path.write_bytes(write_program(file))
    assert evil not in _page(path, tmp_path / "evil.html")


def test_names_cannot_steer_the_terminal(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = read_program(str(small))
    file.program.execution_plan[0].name = "a\x1b[2J\nb"
    path = tmp_path / "evil.pte"
    path.write_bytes(write_program(file))
    assert "method a\\x1b[2J\\nb" in _text([str(path)], capsys).splitlines()


@pytest.mark.parametrize(
    "options",
    [["--json", "--operators"], ["--json", "--html", "a.html"], ["--html", "a.html", "-o", "b"]],
)
def test_options_that_do_not_go_together(
    options: list[str], small: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([str(small), *options]) == 1
    assert "leave out" in capsys.readouterr().err


def test_file_of_a_user_is_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A module with operations of the user's dialect, which only `--load` makes known."""
    path = tmp_path / "m.mlir"
    path.write_text(
        "func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n  mine.nothing\n"
        "  %0 = edge.relu(%x) : (tensor<2xf32>) -> tensor<2xf32>\n"
        "  func.return %0 : tensor<2xf32>\n}\n"
    )
    plugin = str(Path(__file__).with_name("plugin.py"))
    text = _text([str(path), "--delegation", "--load", plugin], capsys)
    assert "relu" in text


PROBE = """\
<script>
const failures = [];
addEventListener("error", (event) => failures.push(event.message));
</script>
"""

REPORT = """\
<script>
{
const boxes = [...document.querySelectorAll("svg .box")];
boxes.at(-1).dispatchEvent(new MouseEvent("mousemove", { bubbles: true }));
const tipped = document.getElementById("tip").innerText;
boxes.at(-1).dispatchEvent(new MouseEvent("click", { bubbles: true }));
const shown = document.querySelectorAll(".row.shown").length;
document.querySelector("a.where")?.click();
const line = document.querySelector(".line.shown")?.innerText ?? "";
const tiles = document.querySelectorAll(".tile").length;
document.querySelector(".tile").click();
const zoomed = document.getElementById("trail").innerText;
const slot = document.querySelector("#i-2 .slot.operand");
slot.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
const lit = document.querySelectorAll(".slot.lit").length;
slot.click();
const maker = document.querySelector(".row.shown").id;
const filter = document.getElementById("filter");
filter.value = "relu";
filter.dispatchEvent(new Event("input"));
const rows = [...document.querySelectorAll(".row")].filter((row) => !row.hidden).length;
const graph = () => [".node", ".flow", ".fold"].map((c) => document.querySelectorAll(c).length);
const unfoldedGraph = graph();
const press = (node) => node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
press(document.querySelector(".fold"));
const foldedGraph = graph();
const module = [...document.querySelectorAll("#graph text")].find((t) => t.textContent[0] === "▸");
press(module.previousSibling);
const graphs = [unfoldedGraph, foldedGraph, graph()];
document.title = JSON.stringify(
  { graphs, failures, boxes: boxes.length, tipped, shown, line, tiles, zoomed, rows, lit, maker });
}
</script>
</body>
"""


def test_page_in_a_browser(net: Path, tmp_path: Path):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    text = _page(net, tmp_path / "report.html", "--source", str(Path(__file__).parent))
    page = tmp_path / "probed.html"
    page.write_text(text.replace("<body>", "<body>" + PROBE).replace("</body>", REPORT))
    result = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "CONSOLE" not in result.stderr
    title = re.search(r"<title>(.*?)</title>", result.stdout, re.DOTALL)
    assert title is not None
    seen = json.loads(title[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    assert seen["failures"] == []
    assert seen["boxes"] == 10
    assert "made by aten::" in seen["tipped"]
    assert seen["shown"] == 1
    assert "self.embed(x)" in seen["line"]
    assert seen["tiles"] > 10
    assert "blocks" in seen["zoomed"]
    assert seen["rows"] == 2
    assert (seen["maker"], seen["lit"]) == ("i-1", 2)
    unfolded, folded, again = seen["graphs"]
    assert unfolded == again
    assert all(few < many for few, many in zip(folded, unfolded, strict=True))


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--json"], ["--check"], ["--operators"]])
@pytest.mark.parametrize("content", [None, b"", b"no program " * 20])
def test_bad_file_is_one_line(
    options: list[str],
    content: bytes | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    path = tmp_path / "bad.pte"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path), *options]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("edge-inspect: error: ")
    assert captured.err.count("\n") == 1


def test_unsound_program_is_one_line(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    bad = _damaged(net, tmp_path / "bad.pte", monkeypatch)
    assert main([str(bad)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_page_that_cannot_be_written_leaves_nothing(
    net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([str(net), "--html", str(tmp_path / "missing" / "report.html")]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "missing").exists()


def test_neither_torch_nor_xdsl_is_imported(net: Path):
    code = (
        "import sys\nfrom edgeir.tools.edge_inspect import main\n"
        f"main([{str(net)!r}, '--html', '/dev/null'])\nmain([{str(net)!r}, '--check'])\n"
        "print([name for name in ('torch', 'xdsl', 'llvmlite') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ast.literal_eval(result.stdout.splitlines()[-1]) == []
