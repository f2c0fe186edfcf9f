"""The main job in one go: train, capture, compile, and run the program on two runtimes.

`make demo` runs it. The program is compiled once; the interpreter of edgeir and the runtime of
ExecuTorch read the same file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from executorch.runtime import Runtime
from numpy.typing import NDArray
from tqdm import tqdm

import edgeir

from .train import accuracy, train_digits_cnn

OUTPUT = Path("build/digits")

Array = NDArray[np.float32]


def main() -> None:
    """Train, compile, run the test set picture by picture, and print one table."""
    model, (pictures, labels) = train_digits_cnn()
    program = edgeir.compile(model, (pictures[:1],))
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / "digits.pte"
    program.save(path)
    program.save_stages(OUTPUT)

    interpreter = edgeir.load(path)
    method = Runtime.get().load_program(str(path)).load_method("forward")
    runtimes: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "PyTorch eager": model,
        "edgeir interpreter": lambda x: torch.from_numpy(interpreter(x)),
        "ExecuTorch runtime": lambda x: method.execute([x])[0],
    }
    rows: list[tuple[str, str, str]] = []
    with torch.no_grad():
        for name, run in runtimes.items():
            logits, milliseconds = run_all(run, pictures, name)
            rows.append((name, f"{accuracy(logits, labels):.2%}", f"{milliseconds:.3f}"))

    memory = program.memory["forward"]
    print(f"\n{len(labels)} test pictures{'':13}accuracy  ms per picture")
    for name, share, milliseconds in rows:
        print(f"  {name:26}{share:>10}{milliseconds:>16}")
    print("\nbytes")
    for name, count in (
        ("program", len(program.buffer)),
        ("planned arena", memory.planned),
        ("without reuse", memory.unplanned),
        ("lower bound", memory.lower_bound),
    ):
        print(f"  {name:26}{count:>10,}")
    print("\nthe text of every stage")
    for stage in program.stages:
        print(f"  {stage:26}{OUTPUT / stage}.mlir")


def run_all(
    run: Callable[[torch.Tensor], torch.Tensor], pictures: torch.Tensor, name: str
) -> tuple[torch.Tensor, float]:
    """The logits of all pictures, one call a picture, and the median milliseconds a call."""
    logits: list[torch.Tensor] = []
    seconds: list[float] = []
    # Shown only where it takes longer than a second.
    for picture in tqdm(pictures, desc=name, delay=1, leave=False):
        start = time.perf_counter()
        result = run(picture[None])
        seconds.append(time.perf_counter() - start)
        logits.append(result.clone())
    return torch.cat(logits), float(np.median(seconds)) * 1e3


if __name__ == "__main__":
    main()
