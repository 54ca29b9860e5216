"""Seeded faults during one night's work, and the books compared afterwards: `python -m tests.faults.harness --help`.

`plan` draws what goes wrong and when (pure), `faults` does it, `scenario` is the work that it disturbs, `watching`
looks at the ledger meanwhile, `evidence` and `compare` hold ledger, providers and phones against each other.
"""
