"""The API against its own OpenAPI document: made-up requests, right and wrong, get only answers that it describes."""

import asyncio
import warnings

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from broadcasts.model import Role
from tests.web_stand import Stand

EXAMPLES = 3
"""Made-up requests for each operation: bounded, so that the whole takes seconds."""
ENDLESS = {"/api/v1/broadcasts/{ref}/events"}
"""Streams, which have tests of their own."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
async def stand(tmp_path):
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()


async def test_made_up_requests_get_described_answers(stand):
    code = await stand.sent()
    base = str(stand.server.make_url("/"))
    headers = {"Authorization": f"Bearer {stand.keys[Role.ADMIN]}"}

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schema = schemathesis.openapi.from_url(f"{base}api/v1/openapi.json")
            return [one.ok() for one in schema.get_all_operations() if one.ok().path not in ENDLESS]

    operations = await asyncio.to_thread(run)
    assert len(operations) > 20
    tried = 0
    for operation in operations:

        def ask(case):
            nonlocal tried
            tried += 1
            if "ref" in (case.path_parameters or {}) and tried % 2:
                case.path_parameters["ref"] = code
            answer = case.call(base_url=base, headers=headers)
            case.validate_response(answer, checks=CHECKS)

        bounded = settings(
            max_examples=EXAMPLES,
            database=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        await asyncio.to_thread(bounded(given(case=operation.as_strategy())(ask)))
    assert tried >= len(operations)
