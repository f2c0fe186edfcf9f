"""Import of `transformers` for its text models, whatever state torchvision is in.

`transformers` imports torchvision wherever one is installed, even for text models, and fails if
that torchvision was built for another PyTorch.  These models use nothing of it, so it is hidden
from the import; where it was imported before, it works and stays.
"""

import sys

_MISSING = object()
_before = sys.modules.get("torchvision", _MISSING)
if _before is _MISSING:
    sys.modules["torchvision"] = None  # type: ignore[assignment]
try:
    from transformers import (
        BertConfig,
        BertModel,
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
    )
    from transformers.integrations.executorch import TorchExportableModuleWithStaticCache
finally:
    if _before is _MISSING:
        del sys.modules["torchvision"]

__all__ = [
    "BertConfig",
    "BertModel",
    "GPT2Config",
    "GPT2LMHeadModel",
    "LlamaConfig",
    "LlamaForCausalLM",
    "TorchExportableModuleWithStaticCache",
]
