"""The hash of what an approver approves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def content_hash(forms: Mapping[str, str], audience_digest: str, plan: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the canonical JSON of texts, audience and plan: what an approver approves.

    The order of keys does not matter, everything else does. Raises TypeError for a key that is no string and
    ValueError for a number that JSON has not.
    """
    whole = {"audience": audience_digest, "forms": dict(forms), "plan": dict(plan)}
    _only_string_keys(whole)
    canonical = json.dumps(whole, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _only_string_keys(value: Any) -> None:
    # json.dumps would write the keys 1 and "1" alike: two plans with one hash.
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys of a plan are strings")
        for inner in value.values():
            _only_string_keys(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _only_string_keys(inner)
