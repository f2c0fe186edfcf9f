"""What stands in branches and loops knows where in the user's model it comes from."""

import pytest
import torch
from torch import nn

import edgeir
from edgeir.dialects.context import edge_context
from edgeir.dialects.edge_parser import EdgeParser
from edgeir.dialects.location import place_of


class Branch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda x: self.linear(x), lambda x: x - 1, (x,))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Branch()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


# Dynamo, which captures nested functions, warns about itself.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("strict", [False, True])
def test_operations_in_regions_have_places(strict):
    captured = torch.export.export(Net().eval(), (torch.ones(2, 4),), strict=strict)
    program = edgeir.compile(captured)
    module = EdgeParser(edge_context(), program.stages["edge"]).parse_module()
    operations = [op for op in module.walk() if op.name in ("edge.linear", "edge.sub.Scalar")]
    assert len(operations) == 2
    for op in operations:
        place = place_of(op.location)
        assert place.module.split(".")[0] == "inner"
        assert place.file_line.startswith("test_control_flow_locations.py:")
