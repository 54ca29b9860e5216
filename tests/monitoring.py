"""Reads what monitoring reads: the Prometheus text format, and the metrics and labels that an expression names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

SCRAPED = frozenset({"job", "instance"})
"""Labels that Prometheus itself adds."""
OWN = {"up": SCRAPED}
"""Metrics that Prometheus itself makes."""
WORDS = frozenset(
    {
        "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "offset", "bool",
        "sum", "max", "min", "count", "rate", "increase", "changes", "histogram_quantile", "label_values",
    }
)  # fmt: skip
"""Of PromQL, as far as our rules and panels use it."""
_TOKEN = re.compile(
    r"""\s*(?:("(?:\\.|[^"])*")|(\d[\w.]*)|([A-Za-z_:][A-Za-z0-9_:]*)|(\[[^\]]*\])|([<>=!]=|[=!]~|.))""", re.S
)


@dataclass
class Scrape:
    """Name as expressions write it (with `_total`, `_bucket`, …) → every label that any sample of it had."""

    labels: dict[str, set[str]] = field(default_factory=dict)
    values: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(metric, label) → the values that it had."""
    declared: set[str] = field(default_factory=set)

    def read(self, text: str) -> Scrape:
        for family in text_string_to_metric_families(text):
            if family.name.endswith("_created"):  # when a counter began; the client library's own
                continue
            self.declared |= sample_names(family.name, family.type)
            for sample in family.samples:
                self.labels.setdefault(sample.name, set()).update(sample.labels)
                for label, value in sample.labels.items():
                    self.values.setdefault((sample.name, label), set()).add(value)
        return self

    def labels_of(self, metric: str) -> set[str]:
        return set(OWN.get(metric, SCRAPED | self.labels.get(metric, set())))


def sample_names(family: str, kind: str) -> set[str]:
    if kind == "counter":
        return {f"{family}_total"}
    if kind == "histogram":
        return {f"{family}_bucket", f"{family}_count", f"{family}_sum"}
    return {family}


@dataclass
class Named:
    """What an expression names."""

    metrics: list[tuple[str, dict[str, tuple[str, str]]]] = field(default_factory=list)
    """Metric, and label → (operator, value) of its matchers."""
    groupings: list[tuple[str, list[str]]] = field(default_factory=list)
    """`by` or `on`, with their labels."""


def named_in(expression: str) -> Named:
    tokens = [
        next(part for part in match.groups() if part is not None) for match in _TOKEN.finditer(expression.strip())
    ]
    found, at = Named(), 0
    while at < len(tokens):
        token = tokens[at]
        if token in ("by", "on", "without", "ignoring"):
            end = tokens.index(")", at)
            found.groupings.append((token, [one for one in tokens[at + 2 : end] if one != ","]))
            at = end
        elif re.fullmatch(r"[A-Za-z_:][A-Za-z0-9_:]*", token) and token not in WORDS:
            matchers: dict[str, tuple[str, str]] = {}
            if at + 1 < len(tokens) and tokens[at + 1] == "{":
                end = tokens.index("}", at)
                inside = [one for one in tokens[at + 2 : end] if one != ","]
                for label, operator, value in zip(inside[::3], inside[1::3], inside[2::3], strict=True):
                    matchers[label] = (operator, value.strip('"'))
                at = end
            found.metrics.append((token, matchers))
        at += 1
    return found


def faults(expression: str, scrape: Scrape) -> list[str]:
    """What an expression names that no scrape has."""
    named, wrong = named_in(expression), []
    known: set[str] = set()
    for metric, matchers in named.metrics:
        if metric not in scrape.declared and metric not in OWN:
            wrong.append(f"no metric {metric}")
        labels = scrape.labels_of(metric)
        known |= labels
        wrong += [f"{metric} has no label {label}" for label in matchers if label not in labels]
    for word, labels_named in named.groupings:
        wrong += [f"{word} ({label}): nothing in it has such a label" for label in labels_named if label not in known]
    return wrong


def shown_labels(expression: str, scrape: Scrape) -> set[str]:
    """Labels that the result of an expression can have: those of its first `by`, else of its metric."""
    named = named_in(expression)
    if expression.lstrip("( ").startswith(("sum", "max", "min", "count", "histogram_quantile")):
        bys = [labels for word, labels in named.groupings if word == "by"]
        return (set(bys[0]) if bys else set()) - {"le"}
    return scrape.labels_of(named.metrics[0][0]) if named.metrics else set()
