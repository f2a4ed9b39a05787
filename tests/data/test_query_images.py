"""The images of a folder, a glob, a list and a video: their order, names and times, and what is left out."""

from pathlib import Path

import bags
import cv2
import numpy as np
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.query_images import Listed, open_images


def write_image(path: Path, grey: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 30, 3), grey, np.uint8))


def write_video(path: Path, frames: int, frames_per_s: float) -> None:
    """Write frames whose brightness is ten times their number."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), frames_per_s, (64, 48))
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 10 * number, np.uint8))
    writer.release()


def names(images: str | Path) -> list[str]:
    return [image.name for image in open_images(images)]


def test_a_folder_is_read_in_natural_order_and_what_is_skipped_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("f10.jpg", "f2.jpg", "b/x.PNG", ".hidden.jpg", ".cache/x.jpg"):
        write_image(tmp_path / name)
    for name in ("a.nef", "b.nef", "note.txt"):
        (tmp_path / name).write_text("x")
    images = open_images(tmp_path)
    found = list(images)
    assert [image.name for image in found] == ["b/x.PNG", "f2.jpg", "f10.jpg"]
    assert len(images) == 3
    assert found[1].path == tmp_path / "f2.jpg"
    assert images.listed()[1] == Listed("f2.jpg", tmp_path / "f2.jpg")
    assert found[1].time_s is None
    assert isinstance(found[0].pixels, np.ndarray)
    assert found[0].pixels.shape == (20, 30, 3)
    assert caplog.messages == [
        f"{tmp_path}: skipped 2 .nef (develop raw photos to JPEG), 1 .txt, 2 hidden"
    ]


def test_names_of_a_glob_are_below_its_fixed_part(tmp_path: Path) -> None:
    for name in ("day1/a1.jpg", "day1/b1.jpg", "day2/a1.jpg"):
        write_image(tmp_path / name)
    assert names(f"{tmp_path}/*/a*.jpg") == ["day1/a1.jpg", "day2/a1.jpg"]
    assert names(f"{tmp_path}/day1/*.jpg") == ["a1.jpg", "b1.jpg"]
    assert names(f"{tmp_path}/**/*.jpg") == ["day1/a1.jpg", "day1/b1.jpg", "day2/a1.jpg"]


def test_a_list_keeps_its_order_and_names_its_lines(tmp_path: Path) -> None:
    write_image(tmp_path / "photos" / "a b.jpg")
    write_image(tmp_path / "photos" / "c.jpg")
    path = tmp_path / "list.txt"
    path.write_text("# mine\nphotos/c.jpg\n\n  photos/a b.jpg\n")
    assert names(path) == ["photos/c.jpg", "photos/a b.jpg"]
    path.write_text("photos/c.jpg\nphotos/d.jpg\n")
    with pytest.raises(InputError, match=r"list.txt line 2: no image .*photos/d.jpg"):
        open_images(path)
    path.write_text("photos/c.jpg\nphotos/c.jpg\n")
    with pytest.raises(InputError, match=r"list.txt line 2: photos/c.jpg is listed twice"):
        open_images(path)
    path.write_text("# nothing\n")
    with pytest.raises(InputError, match=r"list.txt: lists no images"):
        open_images(path)


def test_an_image_that_cannot_be_read_keeps_its_place(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_text("not an image")
    write_image(tmp_path / "c.jpg")
    a, b, c = (image.pixels for image in open_images(tmp_path))
    assert isinstance(a, np.ndarray)
    assert isinstance(c, np.ndarray)
    assert isinstance(b, InputError)
    assert "b.jpg: not a readable image" in str(b)


def test_one_image(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg")
    assert names(tmp_path / "a.jpg") == ["a.jpg"]


def test_frames_of_a_video_have_their_number_time_and_pixels(tmp_path: Path) -> None:
    path = tmp_path / "flight.avi"
    write_video(path, frames=25, frames_per_s=10)
    images = open_images(path, every=10)
    found = list(images)
    assert len(images) == len(found) == 3
    assert images.listed() == [Listed(image.name, path, image.time_s) for image in found]
    assert [image.name for image in found] == [f"flight.avi#0000{n}" for n in ("00", "10", "20")]
    assert [image.time_s for image in found] == pytest.approx([0, 1, 2])
    brightness = [image.pixels.mean() for image in found if isinstance(image.pixels, np.ndarray)]
    assert brightness == pytest.approx([0, 100, 200], abs=3)


def test_a_video_gives_one_frame_per_period(tmp_path: Path) -> None:
    path = tmp_path / "flight.avi"
    write_video(path, frames=25, frames_per_s=10)
    images = open_images(path, every_s=0.75)
    assert [image.time_s for image in images] == pytest.approx([0, 0.8, 1.5, 2.3])
    assert len(images) == 4
    assert len(list(open_images(path))) == len(open_images(path)) == 25
    # a period shorter than a frame takes every frame once
    assert len(list(open_images(path, every_s=0.01))) == 25


def test_what_is_no_image_or_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        open_images(tmp_path / "absent")
    with pytest.raises(InputError, match="no such file; check"):
        open_images(tmp_path / "absent.mp4")
    (tmp_path / "a.mp4").write_text("x")
    with pytest.raises(InputError, match=r"a.mp4: not a readable video; convert it"):
        open_images(tmp_path / "a.mp4")
    with pytest.raises(
        InputError, match=r"no images \(.avif, .bmp, .*\), only 1 .mp4; check the path"
    ):
        open_images(tmp_path)
    with pytest.raises(InputError, match="is no video or ROS bag; leave them out"):
        open_images(tmp_path, every=2)
    with pytest.raises(InputError, match="expected above 0"):
        open_images(tmp_path, every=0)
    with pytest.raises(InputError, match="two rates"):
        open_images(tmp_path / "a.mp4", every=2, every_s=1.0)


def test_a_name_that_cannot_be_written_is_told_before_any_image_is_read(tmp_path):
    (tmp_path / "a\udcff.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"images: 'a\\udcff.jpg' cannot be written"):
        open_images(tmp_path)


def write_bag_of_greys(path: Path, count: int = 5) -> None:
    """Write images ten times as bright as their number, ten a second, with a camera."""
    make, recorded = bags.Messages(path.name), []
    K = [[50.0, 0, 31.5], [0, 50.0, 23.5], [0, 0, 1]]
    for number in range(count):
        stamp_s = 1000.0 + number / 10
        pixels = np.full((48, 64, 3), 10 * number, np.uint8)
        info = make.camera_info(stamp_s, K, (64, 48))
        recorded.append(bags.Recorded("/cam/camera_info", stamp_s, info))
        image = make.image(stamp_s, pixels, "rgb8", "cam")
        recorded.append(bags.Recorded("/cam/image", stamp_s, image))
    bags.write_bag(path, recorded)


@pytest.mark.parametrize("name", bags.KINDS)
def test_frames_of_a_bag_have_its_stamps_and_its_camera(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_bag_of_greys(path)
    images = open_images(path, every=2)
    assert len(images) == 3
    found = list(images)
    assert [image.name for image in found] == [f"{name}#{i:06d}" for i in (0, 2, 4)]
    assert [image.time_s for image in found] == pytest.approx([1000.0, 1000.2, 1000.4])
    assert [int(np.mean(image.pixels)) for image in found] == [0, 20, 40]
    assert found[0].camera is not None and found[0].camera.lens is not None
    assert found[0].camera.lens.K[0].tolist() == [50, 0, 32]
    assert [listed.name for listed in images.listed()] == [image.name for image in found]
    by_time = open_images(path, every_s=0.3, start_s=-1000.0, topic="/cam/image")
    assert [image.time_s for image in by_time] == pytest.approx([0.0, 0.3], abs=1e-6)


def test_a_topic_without_a_bag_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"image_topic=/cam: .* is no ROS bag"):
        open_images(tmp_path, topic="/cam")
