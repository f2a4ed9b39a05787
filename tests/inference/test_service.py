"""The service: what a client sends and gets, and what is told to one that errs."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from served import MAP_HINT, aerial_photo, client, encoded, locate, map_localizer, noise
from served import small_localizer as localizer_of

import hinted_posenet as hp
from hinted_posenet.core.types import Pose

RED = Image.new("RGB", (64, 64), "red")
HINT = {"position_m": "3,-2,1", "sigma_m": "0.5"}


@pytest.fixture(scope="module")
def localizer(tmp_path_factory: pytest.TempPathFactory) -> hp.Localizer:
    return localizer_of(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def service(localizer: hp.Localizer) -> Iterator[TestClient]:
    with client(localizer, max_mb=0.5) as opened:
        yield opened


@pytest.fixture(scope="module")
def over_map(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client(map_localizer(tmp_path_factory.mktemp("map"))) as opened:
        yield opened


def told(response: Any) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"] and "\n" not in response.json()["error"]
    return response.status_code, response.json()["error"]


def test_the_answer_is_that_of_python(service: TestClient, localizer: hp.Localizer) -> None:
    found = locate(service, noise(), **HINT).json()
    hint = hp.Hint.from_position([3.0, -2.0, 1.0], 0.5)
    expected, free = localizer.locate(noise(), hint=hint), localizer.locate(noise())
    assert found["position_m"] == pytest.approx(expected.position_m)
    assert found["quaternion"] == pytest.approx(expected.pose.q.tolist())
    torch.testing.assert_close(torch.tensor(found["covariance"]).double(), expected.covariance)
    assert found["sigma_m"] == pytest.approx(expected.sigma_m.tolist())
    assert (found["status"], found["started_from"]) == (expected.status, "given")
    assert found["heading_deg"] == pytest.approx(expected.heading_deg)
    assert (found["latitude"], found["longitude"], found["altitude"]) == pytest.approx(
        expected.latitude_longitude_altitude
    )
    assert found["without_hint"]["position_m"] == pytest.approx(free.position_m)
    assert found["without_hint"]["position_m"] != found["position_m"]
    assert sum(mode["weight"] for mode in found["modes"]) == pytest.approx(1.0)


def test_an_ellipse_is_drawn_as_stated(service: TestClient) -> None:
    found = locate(service, noise(), **HINT).json()
    long, short = found["ellipse_95"]["semi_axes_m"]
    angle = math.radians(found["ellipse_95"]["angle_deg"])
    axes = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    chi2_95 = -2 * math.log(0.05)
    block = axes @ np.diag([long**2, short**2]) @ axes.T / chi2_95
    np.testing.assert_allclose(block, np.array(found["covariance"])[:2, :2], rtol=1e-6, atol=1e-9)


def test_an_image_is_sent_once(service: TestClient) -> None:
    first = locate(service, noise(1)).json()
    again = locate(service, None, image_id=first["image_id"], **HINT).json()
    sent = locate(service, noise(1), **HINT).json()
    assert (first["cached"], again["cached"], sent["cached"]) == (False, True, True)
    for field in ("position_m", "covariance", "modes", "without_hint"):
        assert again[field] == sent[field]
    for seed in range(2, 12):
        locate(service, noise(seed))
    gone = locate(service, None, image_id=first["image_id"])
    assert told(gone) == (404, "image_id: this image is not kept any more; send the image")


def test_a_hint_is_told_as_it_was_understood(service: TestClient) -> None:
    place = {"latitude": "46.5001", "longitude": "6.6", "sigma_m": "4,9", "heading_deg": "30"}
    found = locate(service, noise(), **place, sigma_r_deg="12").json()["hint"]
    assert found["position_m"][1] == pytest.approx(11.1, abs=0.1)
    assert found["sigma_m"] == [4, 4, None], "the altitude is not known"
    assert found["sigma_deg"] == [None, None, pytest.approx(12)]
    assert found["heading_deg"] == pytest.approx(30)
    turned = locate(service, noise(), quaternion="0,1,0,0", sigma_r_deg="3,5", **HINT).json()
    assert turned["hint"]["sigma_deg"] == pytest.approx([3, 3, 5])
    assert locate(service, noise()).json()["hint"] is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"position_m": "1,2,3"}, "sigma_m: missing"),
        ({"position_m": "1,2", "sigma_m": "1"}, "position_m=1,2: expected 3 numbers"),
        ({"position_m": "1,2,nan", "sigma_m": "1"}, "position_m=1,2,nan: expected 3"),
        ({"position_m": "1,2,1e999", "sigma_m": "1"}, "expected 3 numbers"),
        ({"position_m": "1,2,3", "sigma_m": "0"}, "sigma_m=0: expected 0.001 or more"),
        ({"position_m": "1,2,3", "sigma_m": "-inf"}, "sigma_m=-inf: expected 1 or 2 or 3"),
        ({"position_m": "1e6,2,3", "sigma_m": "1"}, "from the scene, which is"),
        ({"position_m": "1,2,3", "latitude": "1", "sigma_m": "1"}, "two positions"),
        ({"latitude": "46", "sigma_m": "1"}, "one is missing; give both"),
        ({"latitude": "96", "longitude": "6"}, "latitude: input should be less than or equal"),
        ({"latitude": "-46", "longitude": "-174", "sigma_m": "1"}, "from the scene"),
        ({"latitude": "46.5", "longitude": "6.6", "altitude": "9", "sigma_m": "1"}, "is above"),
        ({"height_above_ground_m": "9", **HINT}, "the ground is not known here"),
        ({"sigma_m": "4"}, "sigma_m: of no position"),
        ({"heading_deg": "20"}, "sigma_r_deg: missing"),
        ({"quaternion": "0.5,0,0,0", "sigma_r_deg": "4"}, "its length is 0.5, expected 1"),
        ({"quaternion": "1,0,0,0", "heading_deg": "4", "sigma_r_deg": "4"}, "two rotations"),
        ({"sigma_r_deg": "4"}, "sigma_r_deg: of no rotation"),
        ({"K": "1,2,3"}, "K=1,2,3: expected 4 numbers"),
        ({"K": "64,64,32,32", "focal_px": "64"}, "two cameras"),
        ({"focal_px": "3000"}, "of the width of the training camera's view"),
        ({"focal": "64"}, "focal: extra inputs are not permitted"),
        ({"image_id": "0" * 64}, "two images; give one of them"),
        ({"modes": "0"}, "modes: input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_field_is_named(service: TestClient, fields: dict[str, str], says: str) -> None:
    status, error = told(locate(service, noise(), **fields))
    assert status == 422 and says in error


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (b"", "image: is empty"),
        (b"no image", "image: not a readable image, or cut off"),
        (noise()[:400], "image: not a readable image, or cut off"),
        (noise(side=8), "expected at least 16 x 16"),
        (encoded(np.zeros((64, 256, 3), np.uint8)), "times as wide as high"),
        (
            encoded(np.zeros((64, 64, 3), np.uint8), "gif", save_all=True, append_images=[RED]),
            "frames",
        ),
    ],
)
def test_a_wrong_image_is_named(service: TestClient, image: bytes, says: str) -> None:
    status, error = told(locate(service, image))
    assert status == 422 and says in error


def test_other_requests_are_refused(service: TestClient) -> None:
    assert told(service.post("/locate", data={"image": "text"}))[0] == 422
    assert told(service.post("/locate"))[1] == "image and image_id: no image; give one of them"
    wrong = {"content-type": "multipart/form-data; boundary=x"}
    assert told(service.post("/locate", content=b"--y", headers=wrong))[0] in (400, 422)
    assert told(service.get("/locate"))[0] == 405
    assert told(service.get("/nothing"))[0] == 404
    assert told(service.get("/page/../service.py"))[0] == 404
    assert told(service.get("/page/%2e%2e/service.py"))[0] == 404


def test_a_large_request_is_refused(service: TestClient) -> None:
    large = noise() + bytes(600_000)
    assert told(locate(service, large)) == (
        413,
        "more than 0.5 MB; send a smaller image, see max_mb",
    )
    parts = (bytes(100_000) for _ in range(30))  # without a content-length
    assert told(service.post("/locate", content=parts))[0] == 413


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "a@localhost"]
)
def test_a_stranger_cannot_borrow_this_machine(service: TestClient, host: str) -> None:
    status, error = told(service.get("/scene", headers={"host": host}))
    assert status == 403 and "Host" in error


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost", "localhost:1", "[::1]:8000", "10.0.0.2"]
)
def test_the_service_knows_its_names(service: TestClient, host: str) -> None:
    assert service.get("/health", headers={"host": host}).status_code == 200


def test_another_page_may_not_ask(service: TestClient) -> None:
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9"):
        form = service.post("/locate", files={"image": noise()}, headers={"origin": origin})
        assert told(form) == (403, "Origin: pages of other sites may not ask here")
    own = service.post(
        "/locate", files={"image": noise()}, headers={"origin": "http://127.0.0.1:8000"}
    )
    assert own.status_code == 200
    assert "access-control-allow-origin" not in own.headers


def test_scene_and_page(service: TestClient) -> None:
    scene = service.get("/scene").json()
    assert scene["takes_hints"] and not scene["needs_hint"] and scene["picture"] is None
    assert scene["axes"] == ["east", "north", "up"] and len(scene["cameras_m"]) == 1
    page = service.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert service.get("/health").json()["status"] == "ok"


def test_no_answer_names_a_folder(service: TestClient, localizer: hp.Localizer) -> None:
    texts = [
        service.get("/scene").text,
        locate(service, noise()).text,
        service.get("/openapi.json").text,
    ]
    texts += [locate(service, b"x").text, locate(service, noise(), K="1,1,1,1").text]
    assert not any(
        str(part) in text for text in texts for part in (localizer.scene_folder, "/tmp", "/home")
    )


def test_over_a_map(over_map: TestClient) -> None:
    found = locate(over_map, aerial_photo(), **MAP_HINT).json()
    assert math.hypot(*found["position_m"][:2]) < 0.5
    assert (found["status"], found["fits_map"], found["without_hint"]) == ("ok", True, None)
    assert (found["latitude"], found["longitude"]) == pytest.approx((47, 8), abs=1e-5)
    above = {k: v for k, v in MAP_HINT.items() if k != "position_m"}
    above |= {"latitude": "47", "longitude": "8", "height_above_ground_m": "101"}
    again = locate(over_map, None, image_id=found["image_id"], **above).json()
    assert again["cached"] and again["hint"]["position_m"][2] == pytest.approx(301)
    assert again["position_m"] == pytest.approx(found["position_m"], abs=0.5)


def test_a_map_needs_hint_and_camera(over_map: TestClient) -> None:
    camera = {"K": MAP_HINT["K"]}
    assert "no prior of the position" in told(locate(over_map, aerial_photo(), **camera))[1]
    hint = {k: v for k, v in MAP_HINT.items() if k != "K"}
    assert "its camera is not known" in told(locate(over_map, aerial_photo(), **hint))[1]
    far = MAP_HINT | {"position_m": "900,0,301"}
    assert "outside the map" in told(locate(over_map, aerial_photo(), **far))[1]


def test_the_picture_of_a_map(over_map: TestClient) -> None:
    scene = over_map.get("/scene").json()
    assert scene["needs_hint"] and scene["has_ground"]
    assert scene["picture"]["bounds_m"] == pytest.approx([-120, -120, 120, 120])
    picture = over_map.get(f"/{scene['picture']['url']}")
    assert picture.headers["content-type"] == "image/jpeg" and len(picture.content) > 5000


def test_a_localizer_without_hints_says_so(tmp_path: Path) -> None:
    with client(localizer_of(tmp_path, "posenet")) as plain:
        assert not plain.get("/scene").json()["takes_hints"]
        found = locate(plain, noise(), **HINT).json()
    assert found["started_from"] == "ignored"
    assert found["position_m"] == found["without_hint"]["position_m"]


def test_prepared_images_are_answered_as_images(localizer: hp.Localizer) -> None:
    hint = hp.Hint.from_pose(
        Pose(torch.tensor([1.0, 2, 3]), torch.tensor([1.0, 0, 0, 0])), 1.0, 5.0
    )
    prepared = localizer.prepare(noise())
    for given in (hint, None):
        one, other = (
            localizer.locate(noise(), hint=given),
            localizer.locate_prepared(prepared, given),
        )
        assert torch.equal(one.pose.t, other.pose.t)
        assert torch.equal(one.covariance, other.covariance)


def test_a_hint_on_a_known_image_costs_one_answer(
    localizer: hp.Localizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"prepare": 0, "locate_prepared": 0}

    def count(name: str) -> None:
        method = getattr(localizer, name)

        def counted(*arguments: Any, **more: Any) -> Any:
            counts[name] += 1
            return method(*arguments, **more)

        monkeypatch.setattr(localizer, name, counted)

    for name in counts:
        count(name)
    with client(localizer) as fresh:
        locate(fresh, noise(), **HINT)
        first = dict(counts)
        locate(fresh, noise(), position_m="4,-2,1", sigma_m="1")
    assert first == {"prepare": 1, "locate_prepared": 2}
    assert counts == {"prepare": 1, "locate_prepared": 3}
