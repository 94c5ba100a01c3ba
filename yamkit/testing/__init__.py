"""The contract kit: what every plugin of a kind promises, as checks that its author runs.

Three lines are a test file::

    from yamkit.testing import BackendContract

    class TestMine(BackendContract):
        plugin = "mine"

pytest runs each ``test_...`` of the class; ``yamkit plugins check mine`` runs the same checks
without pytest, and prints a table. The plugin is the one that is installed under that name. A check
that cannot pass, for a reason, is named in ``expected_failures = {"repeatable": "the engine adds in
any order"}``: it must fail then.

A plugin whose contract says more than the defaults, such as a tolerance or an example, names its
class in the descriptor (``contract="yamkit_mine.contract:MineContract"``), so that
``yamkit plugins check`` finds it.
"""

from __future__ import annotations

from yamkit.testing._backend import BackendContract
from yamkit.testing._contract import Check, ContractFailure, PluginContract, run_contract
from yamkit.testing._frontend import FrontendContract
from yamkit.testing._golden import Golden, golden
from yamkit.testing._label_reader import LabelReaderContract
from yamkit.testing._resampler import ResamplerContract
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
"""Kind of plugin -> its contract."""
