"""Payloads: format, refusal of other CPUs and of damaged bytes, calls, the cache of objects."""

from __future__ import annotations

import hashlib
import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kernel_programs import PTR, load_payload, parse_program, reversals, reversed_rows

from edgeir.lowering.backends import BackendError, Payload
from edgeir.lowering.llvm.link import LinkError, link
from edgeir.lowering.llvm.object_cache import ObjectCache, size_bound
from edgeir.lowering.llvm.object_code import assembly, object_code
from edgeir.lowering.llvm.payload import compile_kernel_program, link_program, loadable_triple
from edgeir.lowering.llvm.targets import TargetError, required_features, target_for
from edgeir.runtime.backends.llvm import bound_call
from edgeir.runtime.backends.llvm.cpu import X86_FEATURES, check_cpu, cpu_features
from edgeir.runtime.backends.llvm.payload import read_payload, write_payload
from edgeir.runtime.errors import ProgramError

HOST = target_for("host")
WEIGHTED = f"""
func.func @forward(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {{
  %y, %z = kernel.program(%x) {{arena = 64 : i64, scratch = 0 : i64}}
      : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {{
    kernel.func @add(%a : {PTR}, %b : {PTR}, %c : {PTR}, %task : index) {{
      kernel.map ins(%a, %b : {PTR}, {PTR}) outs(%c : {PTR}) {{
          shape = array<i64: 4>, input_strides = [array<i64: 1>, array<i64: 1>],
          output_strides = [array<i64: 1>], reductions = []}} body {{
      ^bb0(%e : f32, %f : f32):
        %s = arith.addf %e, %f : f32
        kernel.yield %s : f32
      }}
    }}
    %x0 = kernel.argument {{index = 0 : i64}} : {PTR}
    %y0 = kernel.argument {{index = 1 : i64}} : {PTR}
    %z0 = kernel.argument {{index = 2 : i64}} : {PTR}
    %w = kernel.weight "w" : {PTR}
    %v = kernel.advance %w [] + 4 : {PTR}
    kernel.launch @add(%x0, %w, %y0) {{tasks = 1 : i64}} : {PTR}, {PTR}, {PTR}
    kernel.launch @add(%y0, %v, %z0) {{tasks = 1 : i64}} : {PTR}, {PTR}, {PTR}
  }}
  func.return %y, %z : tensor<4xf32>, tensor<4xf32>
}}
"""
WEIGHTS = {"w": np.arange(8, dtype=np.float32)}


@pytest.fixture(scope="module")
def payload() -> Payload:
    return compile_kernel_program(parse_program(WEIGHTED), HOST, WEIGHTS, None)


@pytest.mark.parametrize("builtins", [True, False])
@pytest.mark.parametrize("short", [True, False])
def test_calls(payload: Payload, builtins: bool, short: bool, monkeypatch: pytest.MonkeyPatch):
    """Bound to arrays or with new ones; through CPython's own functions or ctypes."""
    if not builtins:
        monkeypatch.setattr(bound_call, "_can_make_builtins", lambda: False)
    if not short:
        monkeypatch.setattr("edgeir.runtime.backends.llvm.delegate.SHORT_BYTES", 0)
    region = load_payload(payload)
    x, y, z = (np.arange(4, dtype=np.float32) for _ in range(3))
    region.bind([x, y, z])()
    np.testing.assert_array_equal(y, [0, 2, 4, 6])
    np.testing.assert_array_equal(z, [4, 7, 10, 13])
    run = region.anywhere()
    del region
    for _ in range(3):
        x, y, z = x + 1, np.empty_like(y), np.empty_like(z)
        run(x, y, z)
        np.testing.assert_array_equal(z, x + WEIGHTS["w"][:4] + WEIGHTS["w"][4:])


INDEXED = """
func.func @forward(%x: tensor<3xi64>) -> tensor<3xi64> {
  %y = kernel.program(%x) {arena = 128 : i64, scratch = 0 : i64}
      : (tensor<3xi64>) -> tensor<3xi64> {
    kernel.func @check(%a : !kernel.ptr<i64>, %b : !kernel.ptr<i64>, %s : !kernel.ptr<i32>,
        %task : index) {
      %p = kernel.advance %a [%task * 1] : !kernel.ptr<i64>
      %q = kernel.advance %b [%task * 1] : !kernel.ptr<i64>
      %e = kernel.load %p : !kernel.ptr<i64> -> i64
      %n = arith.constant 5 : i64
      %ok = arith.cmpi ult, %e, %n : i64
      kernel.require %ok, %s : !kernel.ptr<i32>
      kernel.store %e, %q : i64, !kernel.ptr<i64>
    }
    %x0 = kernel.argument {index = 0 : i64} : !kernel.ptr<i64>
    %y0 = kernel.argument {index = 1 : i64} : !kernel.ptr<i64>
    %s0 = kernel.status {offset = 64 : i64} : !kernel.ptr<i32>
    kernel.launch @check(%x0, %y0, %s0) {tasks = 3 : i64}
        : !kernel.ptr<i64>, !kernel.ptr<i64>, !kernel.ptr<i32>
  }
  func.return %y : tensor<3xi64>
}
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("builtins", [True, False])
@pytest.mark.parametrize("short", [True, False])
def test_failures(threads: int, builtins: bool, short: bool, monkeypatch: pytest.MonkeyPatch):
    """What a kernel requires and does not hold is an error of that run, not of the next."""
    if not builtins:
        monkeypatch.setattr(bound_call, "_can_make_builtins", lambda: False)
    if not short:
        monkeypatch.setattr("edgeir.runtime.backends.llvm.delegate.SHORT_BYTES", 0)
    program = parse_program(INDEXED)
    region = load_payload(compile_kernel_program(program, HOST, {}, None), threads)
    good, bad, y = np.array([4, 0, 3]), np.array([4, -1, 3]), np.zeros(3, np.int64)
    run, bound = region.anywhere(), region.bind([bad, y])
    for _ in range(9):
        run(good, y)
        np.testing.assert_array_equal(y, good)
        with pytest.raises(ProgramError, match="compiled code: an index is out of range"):
            run(bad, y)
        with pytest.raises(ProgramError, match="compiled code: an index is out of range"):
            bound()


def test_wrong_arrays_are_refused(payload: Payload):
    x = np.zeros(5, np.float32)
    with pytest.raises(ProgramError, match=r"takes \(16, 16, 16\) bytes, the call has \(20,"):
        load_payload(payload).bind([x, x, x])


def test_bytes_are_deterministic(payload: Payload):
    again = compile_kernel_program(parse_program(WEIGHTED), HOST, WEIGHTS, None)
    assert again.code == payload.code


def test_round_trip(payload: Payload):
    region = read_payload(memoryview(payload.code))
    assert region.weights == (("w", 32),)
    assert (region.inputs, region.outputs, region.arena) == ((16,), (16, 16), 64)
    assert write_payload(region) == payload.code


def test_damaged_payloads_are_refused(payload: Payload):
    """Cut and changed headers give a payload or one ProgramError; their code is not run."""
    source = random.Random(0)
    end = len(payload.code) - len(read_payload(memoryview(payload.code)).image)
    for size in range(len(payload.code)):
        with pytest.raises(ProgramError):
            read_payload(memoryview(payload.code)[:size])
    for _ in range(5000):
        data = bytearray(payload.code)
        for _ in range(source.randint(1, 8)):
            data[source.randrange(end)] = source.choice((0, 1, 0x7F, 0xFF, source.randrange(256)))
        try:
            region = read_payload(memoryview(bytes(data)))
        except ProgramError:
            continue
        assert region.run < len(region.image)


def test_another_cpu_is_refused(payload: Payload):
    region = read_payload(memoryview(payload.code))
    other = {62: 183, 183: 62}[region.machine]
    for changed, message in (
        (replace(region, machine=other), r"its code is for .*, this CPU is .*; compile the model"),
        (replace(region, features=("avx1024",)), r"this CPU has no avx1024; compile the model"),
    ):
        with pytest.raises(ProgramError, match=message):
            load_payload(Payload(write_payload(changed), payload.data))


def test_missing_weight_is_refused(payload: Payload):
    short = Payload(payload.code, {"w": WEIGHTS["w"][:4]})
    with pytest.raises(ProgramError, match="weight 'w' has 16 bytes, its code reads 32"):
        load_payload(short)


def test_levels_name_features_of_the_table():
    for level in ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"):
        assert set(required_features(target_for(level))) <= X86_FEATURES.keys()
    assert set(required_features(HOST)) <= cpu_features()
    check_cpu(link_program(parse_program(WEIGHTED), HOST).machine, "host", ())


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lanes", "registers"),
    [
        ("x86-64", 4, 16),
        ("haswell", 8, 16),
        ("x86-64-v3", 8, 16),
        ("x86-64-v4", 16, 32),
        ("skylake-avx512", 16, 32),
        ("cortex-a76", 4, 32),
        ("apple-m1", 4, 32),
        ("aarch64-linux-android:cortex-a55", 4, 32),
        ("wasm32-unknown-unknown:generic", 4, 16),
    ],
)
def test_targets(name: str, lanes: int, registers: int):
    target = target_for(name)
    assert (target.lanes(), target.registers) == (lanes, registers)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pentium-9", "no CPU 'pentium-9' of x86-64 or aarch64"),
        ("x86_64-linux-gnu:cortex-a76", "no CPU 'cortex-a76' of x86_64-linux-gnu"),
        ("no-such:cpu", "no target 'no-such'"),
    ],
)
def test_unknown_targets(name: str, message: str):
    with pytest.raises(TargetError, match=message):
        target_for(name)


@pytest.mark.parametrize("name", ["x86-64-v4", "cortex-a76", "arm64-apple-macosx:apple-m1"])
def test_code_for_other_machines(name: str):
    """Linked, and with tables for several threads; it cannot run here."""
    payload = compile_kernel_program(reversals(24, 3, 2), target_for(name), {}, None)
    region = read_payload(memoryview(payload.code))
    assert region.worker is not None
    assert region.machine == (62 if name.startswith("x86") else 183)


def test_code_that_cannot_be_loaded_is_refused():
    target = target_for("wasm32-unknown-unknown:generic")
    with pytest.raises(BackendError, match="only ELF of x86-64 and aarch64 can be loaded"):
        compile_kernel_program(parse_program(WEIGHTED), target, WEIGHTS, None)


def test_windows_and_macos_get_elf():
    assert loadable_triple("x86_64-pc-windows-msvc") == "x86_64-pc-windows-msvc-elf"
    assert loadable_triple("x86_64-unknown-linux-gnu") == "x86_64-unknown-linux-gnu"


# --- linking --------------------------------------------------------------------------------------

CALLER = "declare float @other(float)\n define float @f(float %x) nounwind {{\n{body}}}\n"


def test_call_of_something_outside_is_refused():
    code = object_code(CALLER.format(body="%y = call float @other(float %x)\nret float %y\n"), HOST)
    with pytest.raises(LinkError, match="the code calls other, which is outside of it"):
        link([(code, {})])


def test_writable_data_is_refused():
    text = "@g = global i32 1\n define i32 @f() {\n%x = load i32, ptr @g\nret i32 %x\n}\n"
    with pytest.raises(LinkError, match=r"section \.data is writable"):
        link([(object_code(text, HOST), {})])


def test_assembly():
    text = "define float @f(float %x) nounwind {\n%y = fadd float %x, %x\nret float %y\n}\n"
    assert "vaddss" in assembly(text, target_for("x86-64-v3"))
    assert "fadd\ts0" in assembly(text, target_for("cortex-a76"))


# --- the cache ------------------------------------------------------------------------------------


def test_cache(tmp_path: Path):
    cache = ObjectCache(tmp_path)
    assert cache.get("a") is None
    cache.put("a", b"code")
    assert cache.get("a") == b"code"
    assert cache.get("b") is None


def test_damaged_cache_entries_are_rebuilt(tmp_path: Path):
    program = parse_program(WEIGHTED)
    code = compile_kernel_program(program, HOST, WEIGHTS, ObjectCache(tmp_path)).code
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    # The entry and the kernel.
    assert len(files) == 2
    contents = [path.read_bytes() for path in files]
    for path, content in zip(files, contents, strict=True):
        path.write_bytes(content[:-1] + b"?")
    assert compile_kernel_program(program, HOST, WEIGHTS, ObjectCache(tmp_path)).code == code
    assert [path.read_bytes() for path in files] == contents
    for path in files:
        path.write_bytes(b"")
    assert compile_kernel_program(program, HOST, WEIGHTS, ObjectCache(tmp_path)).code == code


def test_equal_kernels_are_compiled_once(tmp_path: Path):
    """Whatever their names are."""
    compile_kernel_program(parse_program(WEIGHTED), HOST, WEIGHTS, ObjectCache(tmp_path))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    other = parse_program(WEIGHTED.replace("@add", "@sum"))
    compile_kernel_program(other, HOST, WEIGHTS, ObjectCache(tmp_path))
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert len(new) == 1


def test_cache_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    cache = ObjectCache(tmp_path / "file")
    cache.put("a", b"code")
    assert cache.get("a") is None


def test_cache_moves_with_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path))
    ObjectCache.of_user().put("a", b"code")
    assert any(tmp_path.iterdir())


def test_cache_drops_what_was_not_used_for_longest(tmp_path: Path):
    """Of keys that share a subfolder; that one has room for seven entries."""
    hashes = {key: hashlib.sha256(key.encode()).hexdigest() for key in map(str, range(10_000))}
    keys = [key for key, name in hashes.items() if name.startswith("00")][:8]
    cache = ObjectCache(tmp_path, 256 * 1000)
    for age, key in enumerate(keys[:7]):
        cache.put(key, bytes(100))
        name = hashes[key]
        os.utime(tmp_path / name[:2] / name[2:], (age, age))
    assert cache.get(keys[0]) is not None
    cache.put(keys[7], bytes(100))
    left = [number for number, key in enumerate(keys) if cache.get(key) is not None]
    assert left == [0, 3, 4, 5, 6, 7]


def test_cache_keeps_what_is_larger_than_its_share(tmp_path: Path):
    cache = ObjectCache(tmp_path, 1000)
    cache.put("a", bytes(2000))
    assert cache.get("a") == bytes(2000)


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 10**9), ("0", None), ("12", 12), ("500M", 500 * 10**6), ("2g", 2 * 10**9)],
)
def test_cache_size(text: str, size: int | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDGEIR_CACHE_SIZE", text)
    assert size_bound() == size


def test_cache_size_that_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDGEIR_CACHE_SIZE", "a lot")
    with pytest.raises(BackendError, match="EDGEIR_CACHE_SIZE is 'a lot': write a size like 500M"):
        ObjectCache.of_user()


def test_interpreter_and_code_agree():
    x = np.arange(72, dtype=np.float32)
    y = np.empty_like(x)
    payload = compile_kernel_program(reversals(24, 3, 3), HOST, {}, None)
    load_payload(payload)(x, y)
    np.testing.assert_array_equal(y, reversed_rows(x, 3, 3))
