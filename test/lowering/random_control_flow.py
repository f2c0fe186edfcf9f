"""Random functions of branches and loops in the edge dialect, as text."""

from random import Random

STATIC = "tensor<3x4xf32>"
DYNAMIC = "tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>"
ROW = "tensor<4xf32>"


class RandomFunction:
    """Writes a function of two tensors; `text` is it. Its values stay small."""

    def __init__(self, random: Random, type: str) -> None:
        self._random = random
        self._type = type
        self._lines: list[str] = []
        self._names = 0
        self._symbols = 0
        results = random.sample(self._block(["%x", "%y"], depth=3), 2)
        symbols = [f"s{i} = [0]" for i in range(1, self._symbols + 1)]
        self.text = (
            f"func.func @forward(%x: {type}, %y: {type}) -> ({self._types(2)}) "
            f"attributes {{edge.symbols = {{{', '.join(['s0 = [1, 6]', *symbols])}}}}} {{\n"
            + "\n".join(self._lines)
            + f"\nfunc.return {', '.join(results)} : {self._types(2)}\n}}"
        )

    def _new(self, count: int = 1) -> list[str]:
        self._names += count
        return [f"%v{self._names - i}" for i in range(count)]

    def _types(self, count: int, first: tuple[str, ...] = ()) -> str:
        return ", ".join([*first, *[self._type] * count])

    def _pick(self, values: list[str], count: int) -> list[str]:
        return self._random.choices(values, k=count)

    def _block(self, values: list[str], depth: int) -> list[str]:
        """Write some operations; all values that can be used behind them."""
        values = list(values)
        kinds = [self._operator, self._operator, self._cond, self._while_loop, self._scan]
        for _ in range(self._random.randint(1, 4)):
            write = self._random.choice(kinds) if depth else self._operator
            values += write(values, depth - 1)
        return values

    def _operator(self, values: list[str], depth: int) -> list[str]:
        new, bounded = self._new(2)
        a, b = self._pick(values, 2)
        name = self._random.choice(["add", "mul", "sub", "neg", "relu"])
        if name in ("neg", "relu"):
            self._lines.append(f"{new} = edge.{name}({a}) : ({self._type}) -> {self._type}")
            return [new]
        types = f"({self._types(2)}) -> {self._type}"
        self._lines.append(f"{new} = edge.{name}.Tensor({a}, {b}) : {types}")
        self._lines.append(f"{bounded} = edge.sin({new}) : ({self._type}) -> {self._type}")
        return [bounded]

    def _cond(self, values: list[str], depth: int) -> list[str]:
        total, predicate = self._new(2)
        results = self._new(self._random.randint(1, 3))
        (source,) = self._pick(values, 1)
        self._lines += [
            f"{total} = edge.sum.dim_IntList({source}, dim = [0, 1]) : ({self._type}) -> "
            "tensor<f32>",
            f"{predicate} = edge.gt.Scalar({total}, other = 0.5) : (tensor<f32>) -> tensor<i1>",
            f"{', '.join(results)} = edge.cond({predicate}) : (tensor<i1>) -> "
            f"({self._types(len(results))}) {{",
        ]
        for end in ("} else {", "}"):
            inner = self._block(values, depth)
            yielded = self._pick(inner + inner[-2:] * 4, len(results))
            self._lines += [f"edge.yield {', '.join(yielded)} : {self._types(len(results))}", end]
        return results

    def _while_loop(self, values: list[str], depth: int) -> list[str]:
        count = self._random.randint(1, 3)
        start, end, *results = self._new(count + 2)
        types = self._types(count, ("i64",))
        self._lines += [
            f"{start} = edge.literal {self._random.randint(0, 3)} : i64",
            f"{', '.join([end, *results])} = edge.while_loop("
            f"{', '.join([start, *self._pick(values, count)])}) : ({types}) -> ({types}) {{",
        ]
        symbol, predicate = self._counted(count)[0], self._new()[0]
        self._lines += [
            f"{predicate} = edge.compare lt #edge.expr<{symbol}>, #edge.expr<3>",
            f"edge.yield {predicate} : i1",
            "} do {",
        ]
        symbol, carried = self._counted(count)
        inner = self._block(values + carried, depth)
        (following,) = self._new()
        yielded = self._pick(inner + carried * 3, count)
        self._lines += [
            f"{following} = edge.literal #edge.expr<{symbol} + 1> : i64",
            f"edge.yield {', '.join([following, *yielded])} : {types}",
            "}",
        ]
        return results

    def _counted(self, count: int) -> tuple[str, list[str]]:
        """The arguments of a block that takes a number and tensors; the number's symbol."""
        number, *carried = self._new(count + 1)
        self._symbols += 1
        arguments = [f"{number}: i64", *(f"{name}: {self._type}" for name in carried)]
        symbol = f"s{self._symbols}"
        self._lines += [
            f"^bb0({', '.join(arguments)}):",
            f'edge.symbol "{symbol}" = {number} : i64',
        ]
        return symbol, carried

    def _scan(self, values: list[str], depth: int) -> list[str]:
        count, stacks = self._random.randint(0, 2), self._random.randint(1, 2)
        results = self._new(count + stacks)
        init = ", ".join(self._pick(values, count))
        init += f" : {self._types(count)}" if count else ""
        (xs,) = self._pick(values, 1)
        row, added, *carried = self._new(count + 2)
        arguments = [*(f"{name}: {self._type}" for name in carried), f"{row}: {ROW}"]
        (operand,) = self._pick(values + carried, 1)
        self._lines += [
            f"{', '.join(results)} = edge.scan init({init}) over({xs} : {self._type}) -> "
            f"({self._types(count + stacks)}) {{",
            f"^bb0({', '.join(arguments)}):",
            f"{added} = edge.add.Tensor({operand}, {row}) : ({self._type}, {ROW}) -> {self._type}",
        ]
        inner = self._block([*values, *carried, added], depth)
        yielded = self._pick(inner + carried * 3, count)
        means = self._new(stacks)
        for mean, source in zip(means, self._pick(inner, stacks), strict=True):
            types = f"({self._type}) -> {ROW}"
            self._lines.append(f"{mean} = edge.mean.dim({source}, dim = [0]) : {types}")
        types = [*[self._type] * count, *[ROW] * stacks]
        self._lines += [f"edge.yield {', '.join(yielded + means)} : {', '.join(types)}", "}"]
        return results
