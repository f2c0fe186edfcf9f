"""Our dialects and passes for plain `xdsl-opt`, by its `xdsl.universe` entry point."""

from xdsl.dialects import get_all_dialects
from xdsl.transforms import get_all_passes
from xdsl.universe import Universe

from ..dialects.context import DIALECTS, dialect_factory
from ..lowering.pass_registry import our_passes

_THEIR_DIALECTS = get_all_dialects()
_THEIR_PASSES = get_all_passes()

# A name of xDSL's own may not be given a second time; there it means xDSL's pass.
EDGE_UNIVERSE = Universe(
    all_dialects={
        name: dialect_factory(path)
        for name, path in DIALECTS.items()
        if name not in _THEIR_DIALECTS
    },
    all_passes={
        name: factory for name, factory in our_passes().items() if name not in _THEIR_PASSES
    },
)
