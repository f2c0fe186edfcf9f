"""What delegates look up by name."""

from xdsl.dialects.builtin import StringAttr
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def


@irdl_op_definition
class NamedDataOp(IRDLOperation):
    """Bytes that the program's delegates look up by key; `payload` is a key of the weights store.

    ```mlir
    memory.named_data "key" "payload-key"
    ```
    """

    name = "memory.named_data"

    key = prop_def(StringAttr)
    payload = prop_def(StringAttr)

    assembly_format = "$key $payload attr-dict"

    def __init__(self, key: str, payload: str):
        super().__init__(properties={"key": StringAttr(key), "payload": StringAttr(payload)})
