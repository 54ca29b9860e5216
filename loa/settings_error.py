"""Settings that cannot be used."""

from __future__ import annotations

from broadcasts.model import Problem


class SettingsError(Exception):
    """The settings cannot be used; `key` names the sentence in `locale/` (`settings.<key>`)."""

    def __init__(self, key: str, problem: Problem | None = None, **params: str) -> None:
        super().__init__(key)
        self.key = key
        self.params = params
        self.problem = problem
        """What is wrong with a value that drafts may hold, too; its sentence is the blank `says`."""
