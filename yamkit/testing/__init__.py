"""The contract kit: what plugins of each kind must do, as checks that their authors run.

A test file has three lines:

```python
from yamkit.testing import BackendContract

class TestMine(BackendContract):
    plugin = "mine"
```

pytest runs each ``test_...`` of the class; ``yamkit plugins check mine`` runs the same checks
without pytest, and prints a table. They check the installed plugin of that name. If a check cannot
pass, name it with the reason, ``expected_failures = {"repeatable": "the engine adds in any
order"}``; it must then fail.

If a plugin changes a default of the contract, such as a tolerance or an example, its descriptor
names the contract (``contract="yamkit_mine.contract:MineContract"``), so that
``yamkit plugins check`` finds it.
"""

from __future__ import annotations

from yamkit.testing._backend import BackendContract
from yamkit.testing._contract import PluginContract
from yamkit.testing._failures import ContractFailure
from yamkit.testing._frontend import FrontendContract
from yamkit.testing._golden import Golden, golden
from yamkit.testing._label_reader import LabelReaderContract
from yamkit.testing._resampler import ResamplerContract
from yamkit.testing._run import Check, run_contract
from yamkit.testing._runner import RunnerContract
from yamkit.testing._sink import SinkContract

__all__ = [
    "CONTRACTS",
    "BackendContract",
    "Check",
    "ContractFailure",
    "FrontendContract",
    "Golden",
    "LabelReaderContract",
    "PluginContract",
    "ResamplerContract",
    "RunnerContract",
    "SinkContract",
    "golden",
    "run_contract",
]

CONTRACTS: dict[str, type[PluginContract]] = {
    contract.kind: contract
    for contract in (
        BackendContract,
        FrontendContract,
        SinkContract,
        ResamplerContract,
        LabelReaderContract,
        RunnerContract,
    )
}
"""Contract by kind of plugin."""
