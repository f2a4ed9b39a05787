"""What the service takes and answers, as its OpenAPI schema states it."""

from typing import Annotated, Any, Literal

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?"
SIGMA = rf"({NUMBER}|inf)"
SHA256 = "^[0-9a-f]{64}$"
MOST_TEXT = 200  # characters of a field


def _numbers(one: str, least: int, most: int, about: str) -> Any:
    """Return a field of numbers with commas in between, which `service_hint` reads."""
    pattern = rf"^{one}(,{one}){{{least - 1},{most - 1}}}$"
    schema: dict[str, Any] = {"pattern": pattern}
    return Field(None, max_length=MOST_TEXT, description=about, json_schema_extra=schema)


def _number(about: str | None = None, **limits: Any) -> Any:
    return Field(None, description=about, **limits)


class LocateForm(BaseModel):
    """An image, what is known of its pose, and its camera."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    image: Annotated[UploadFile | None, WithJsonSchema({"type": "string", "format": "binary"})] = (
        Field(None, description="the image: JPEG, PNG, TIFF, WebP, ...")
    )
    image_id: str | None = Field(
        None, pattern=SHA256, description="of an earlier answer, in place of the image"
    )
    position_m: str | None = _numbers(NUMBER, 3, 3, "x,y,z in metres of the scene's world")
    latitude: float | None = _number("in degrees", ge=-90, le=90)
    longitude: float | None = _number("in degrees", ge=-360, le=360)
    altitude: float | None = _number("in metres", ge=-1e5, le=1e5)
    altitude_above: Literal["ellipsoid", "geoid"] | None = None
    height_above_ground_m: float | None = _number(
        "over a map, in place of z or an altitude", gt=0, le=1e5
    )
    sigma_m: str | None = _numbers(
        SIGMA, 1, 3, "standard deviation; or horizontal,vertical; or x,y,z; inf is not known"
    )
    heading_deg: float | None = _number("clockwise from north (y)", ge=-360, le=360)
    quaternion: str | None = _numbers(NUMBER, 4, 4, "w,x,y,z of T_world_cam")
    sigma_r_deg: str | None = _numbers(
        SIGMA, 1, 2, "standard deviation; or tilt,heading; inf is not known"
    )
    K: str | None = _numbers(NUMBER, 4, 4, "fx,fy,cx,cy in pixels of the upright image")
    focal_px: float | None = _number("in place of K", gt=0, le=1e6)
    modes: int = Field(3, ge=1, le=10, description="most places that are answered")


class Ellipse(BaseModel):
    """Holds the position in plan view with 95 %."""

    semi_axes_m: tuple[float, float]  # the longer one first
    angle_deg: float  # of the longer one, anticlockwise from the first axis of the plan


class Place(BaseModel):
    """A pose with its covariance; null is what is not known."""

    position_m: tuple[float, float, float]  # camera center in the scene's world
    quaternion: tuple[float, float, float, float]  # w, x, y, z of T_world_cam
    # 6 x 6: position along the world's axes (m^2), then rotation about them (rad^2)
    covariance: list[list[float | None]]
    sigma_m: list[float | None]  # of the three coordinates
    sigma_deg: list[float | None]  # about the three axes
    ellipse_95: Ellipse | None
    pointer: tuple[float, float]  # where the camera heads in plan view, of length 1
    heading_deg: float  # 0 to 360, clockwise from north (y)
    sigma_heading_deg: float | None
    latitude: float | None
    longitude: float | None
    altitude: float | None
    altitude_above: str | None


class Mode(Place):
    """One of several places that the image may show."""

    weight: float  # of all modes: they sum to 1


class Answer(Place):
    """The pose of an image from one hint, or from none."""

    status: Literal["ok", "uncertain", "outside the map"]
    started_from: str  # given, contradicted, ignored, or the localizer's own source
    steps: int
    out_of_map: float | None
    landmarks: int | None
    fits_map: bool | None
    modes: list[Mode]


class Located(Answer):
    """What POST /locate answers."""

    image_id: str  # to ask again about this image without sending it
    cached: bool  # whether its features were known already
    hint: Place | None  # as it was understood
    without_hint: (
        Answer | None
    )  # what the image says alone; null where there is no hint, or has to be one
    time_ms: float  # of the computation, without waiting


class Picture(BaseModel):
    """A picture of the scene from above."""

    url: str
    bounds_m: tuple[float, float, float, float]  # of the plan: left, bottom, right, top


class OriginOnEarth(BaseModel):
    """Where the world's (0, 0, 0) lies."""

    latitude: float
    longitude: float
    altitude: float
    altitude_above: str  # ellipsoid, geoid or unknown


class Scene(BaseModel):
    """What is localized in, in plan view."""

    name: str
    takes_hints: bool
    needs_hint: bool
    has_ground: bool  # whether height_above_ground_m is taken
    plane: tuple[int, int]  # axes of the world to the right and upwards in plan view
    axes: tuple[str, str, str]  # names of these two, and of the third one
    bounds_m: tuple[float, float, float, float]
    cameras_m: list[tuple[float, float]]  # of the training, in plan view
    third_m: float  # usual coordinate along the third axis
    picture: Picture | None
    origin: OriginOnEarth | None
    max_mb: float  # of a request


class Health(BaseModel):
    """Whether the service answers."""

    status: Literal["ok"]
    version: str
    waiting: int  # requests that are computed or wait for it


class Error(BaseModel):
    """Why there is no answer, in one line."""

    error: str
