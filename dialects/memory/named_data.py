"""What delegates look up by name."""

from xdsl.dialects.builtin import StringAttr, UnitAttr
from xdsl.irdl import IRDLOperation, irdl_op_definition, opt_prop_def, prop_def


@irdl_op_definition
class NamedDataOp(IRDLOperation):
    """Bytes that the program's delegates look up by key; `payload` is a key of the weights store.

    What is `external` stands in a data file (`.ptd`) beside the program, under the same key.

    ```mlir
    memory.named_data "key" "payload-key"
    memory.named_data "sha256:12ab" "sha256:12ab" external
    ```
    """

    name = "memory.named_data"

    key = prop_def(StringAttr)
    payload = prop_def(StringAttr)
    external = opt_prop_def(UnitAttr)

    assembly_format = "$key $payload (`external` $external^)? attr-dict"

    def __init__(self, key: str, payload: str, *, external: bool = False):
        super().__init__(
            properties={
                "key": StringAttr(key),
                "payload": StringAttr(payload),
                "external": UnitAttr() if external else None,
            }
        )
