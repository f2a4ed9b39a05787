"""Requests that the service's OpenAPI schema allows or forbids: whatever comes, the answer is as stated."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks
from served import noise, small_localizer

from hinted_posenet.inference.service import create_app

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
few = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "12")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
HINT = {"position_m": "1,2,3", "sigma_m": "2"}


@pytest.fixture(scope="module")
def locate(tmp_path_factory: pytest.TempPathFactory) -> APIOperation:
    localizer = small_localizer(tmp_path_factory.mktemp("run"), "hinted_memory")
    app = create_app(localizer, host="testserver")  # as schemathesis calls it
    return schemathesis.openapi.from_asgi("/openapi.json", app)["/locate"]["POST"]


@pytest.mark.parametrize("mode", [*schemathesis.GenerationMode])
def test_any_request_is_answered_as_stated(
    locate: APIOperation, mode: schemathesis.GenerationMode
) -> None:
    @few
    @given(locate.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()


def test_any_hint_of_a_sound_image_is_answered_as_stated(locate: APIOperation) -> None:
    statuses = set()

    @few
    @given(locate.as_strategy(), st.booleans(), st.booleans())
    def ask(case: schemathesis.Case, placed: bool, turned: bool) -> None:
        kept = {"modes": 3, **case.body, "image": noise()}
        for name in ("image_id", "K", "focal_px", "height_above_ground_m"):
            kept.pop(name, None)
        if placed:  # so that more than the fields are looked at
            place = ("latitude", "longitude", "altitude", "altitude_above")
            kept = {name: value for name, value in kept.items() if name not in place} | HINT
        if turned:
            kept.pop("quaternion", None)
            kept |= {"heading_deg": 20, "sigma_r_deg": "3"}
        case.body = kept
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        statuses.add(response.status_code)

    ask()
    assert 200 in statuses
