"""An operator of your own, from PyTorch to a program that runs without it.

`model.py` registers `my_ops::keep_largest` with `torch.library` and uses it in a small model;
`kernel.py` is its kernel for the interpreter, numpy only. Nothing else is needed. In one go:

    edge-compile examples.custom_operator.model:build -o model.pte
    edge-run model.pte --load examples/custom_operator/kernel.py --input 2x8xf32=random:0

or stage by stage, where only the first command needs PyTorch:

    python -m examples.custom_operator.model model.pt2
    edge-translate model.pt2 --load examples/custom_operator/model.py -o model.mlir
    edge-opt model.mlir -p convert-aten-to-edge,legalize -o model.edge.mlir
    edge-run model.edge.mlir --load examples/custom_operator/kernel.py --input 2x8xf32=random:0
    edge-compile model.mlir -o model.pte

In the text the operator carries its schema:

    %1 = aten.custom "my_ops::keep_largest(Tensor x, SymInt k=1) -> Tensor"(%0, k = 3) : …

The program calls `my_ops::keep_largest.out`: the arguments of the schema, then the outs. This is
the name of a kernel here and on a device; for an overload `v` it is `my_ops::keep_largest.v_out`.
Where edgeir knows no kernel of that name it warns and compiles all the same, because the device may
have one: in ExecuTorch's runtime a function that is registered with
`EXECUTORCH_LIBRARY(my_ops, "keep_largest.out", keep_largest_out)`.

An operator is a function of its arguments: it writes none of them, has no state, and draws no
random numbers, so that equal calls may be merged and a call on constants computed at compile time.
It returns tensors, one or several, or one list of them.
"""
