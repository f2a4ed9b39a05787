"""Priors that cameras and drones write into their images: EXIF's GPS, and DJI's XMP.

| tag                              | gives                                                                |
|----------------------------------|----------------------------------------------------------------------|
| GPSLatitude, GPSLongitude        | the place                                                            |
| GPSAltitude                      | an altitude; it says what it is above in GPSAltitudeRef 2 and 3 only  |
| GPSHPositioningError             | the sigma of east and of north                                       |
| GPSImgDirection                  | the heading, unless GPSImgDirectionRef says that it is magnetic       |
| DJI GpsLatitude, GpsLongitude    | the place, where EXIF has none                                       |
| DJI RelativeAltitude             | the altitude above take-off, read with altitude_above=takeoff        |
| DJI AbsoluteAltitude             | the altitude, where EXIF has none; it does not say what it is above  |
| DJI RtkStdLon, -Lat, -Hgt        | the sigmas of east, north and up                                     |
| DJI GimbalYawDegree, -Pitch-, -Roll- | heading, pitch and roll of the camera                            |

GPSAltitudeRef 0 and 1 meant sea level before EXIF 3.0, which moved sea level (the geoid) to 2 and 3; in
practice cameras write either, and DJI's RTK models write ellipsoidal altitudes.
"""

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from defusedxml import ElementTree
from PIL import ExifTags

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import camera_rotation
from hinted_posenet.data.image_files import opened
from hinted_posenet.data.priors.columns import CARD
from hinted_posenet.data.priors.reading import Reading, blocks, without

DJI = "{http://www.dji.com/drone-dji/1.0/}"
GIMBAL = ("GimbalYawDegree", "GimbalPitchDegree", "GimbalRollDegree")
RTK = ("RtkStdLon", "RtkStdLat", "RtkStdHgt")  # standard deviations in metres along x, y, z
GPS = ExifTags.GPS

log = logging.getLogger(__name__)


def read_exif(images: Mapping[str, Path], altitude_above: str | None = None) -> list[Reading]:
    """Read the priors of images, name -> file, that have one; see the module for the tags.

    ``altitude_above`` chooses DJI's altitude above take-off if it is "takeoff", see `read_priors`.
    """
    if altitude_above == "ground":
        raise InputError(
            "altitude_above=ground: images state no altitude above the ground; give another, or ignore"
        )
    readings, magnetic = [], 0
    for name, path in images.items():
        gps, dji = read_tags(path)
        if GPS.GPSImgDirection in gps and gps.get(GPS.GPSImgDirectionRef) == "M":
            del gps[GPS.GPSImgDirection]
            magnetic += 1
        reading = parse_tags(gps, dji, name, str(path), altitude_above)
        if reading is not None:
            readings.append(reading)
    if (
        readings
        and altitude_above == "takeoff"
        and all(reading.position[2].isnan() for reading in readings)
    ):
        raise InputError(
            "altitude_above=takeoff: no image states its altitude above take-off (DJI's RelativeAltitude); "
            "give another, or ignore"
        )
    if magnetic:
        log.warning(
            "%d images state a magnetic heading, which is left out; state true headings in a CSV file, see %s",
            *(magnetic, CARD),
        )
    return readings


def read_tags(path: Path, content: bytes | None = None) -> tuple[dict[int, Any], dict[str, str]]:
    """Read EXIF's GPS tags and DJI's XMP properties of an image; ``content`` is the file's, if it was read."""
    with opened(path, content) as image:
        gps = dict(image.getexif().get_ifd(ExifTags.IFD.GPSInfo))
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if not xmp:
        return gps, {}
    try:
        root = ElementTree.fromstring(
            xmp.strip("\0\n ") if isinstance(xmp, str) else xmp.strip(b"\0\n ")
        )
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path}: XMP cannot be read ({error}); write the image again") from None
    dji: dict[str, str] = {}
    for element in root.iter():
        properties = [*element.attrib.items(), (element.tag, element.text or "")]
        dji |= {key.removeprefix(DJI): text for key, text in properties if key.startswith(DJI)}
    return gps, dji


def parse_tags(
    gps: Mapping[int, Any],
    dji: Mapping[str, str],
    name: str,
    where: str,
    altitude_above: str | None,
) -> Reading | None:
    """Parse the tags of one image; None where they say nothing of the pose."""
    try:
        stated = {key: float(dji[key]) for key in (*GIMBAL, *RTK) if dji.get(key)}
        latitude, longitude = _place(gps, dji)
        altitude, above = _altitude(gps, dji, altitude_above)
        heading = gps.get(GPS.GPSImgDirection)
        error_m = gps.get(GPS.GPSHPositioningError)
        heading_deg = None if heading is None else float(heading)
        sigma_m = math.nan if error_m is None else float(error_m)
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        raise InputError(f"{where}: its GPS tags are not numbers; write the image again") from None
    q, level = None, False
    if all(key in stated for key in GIMBAL):
        q, level = camera_rotation(*(stated[key] for key in GIMBAL)), True
    elif heading_deg is not None and math.isfinite(heading_deg):
        q = camera_rotation(heading_deg, 0.0, 0.0)
    if math.isnan(latitude) and q is None:
        return None
    covariance = blocks(None, None)
    covariance[[0, 1], [0, 1]] = sigma_m**2 if sigma_m > 0 else math.nan
    for axis, key in enumerate(RTK):
        if stated.get(key, 0.0) > 0:
            covariance[axis, axis] = stated[key] ** 2
    no_place, no_q = math.isnan(latitude), q is None
    empty = [no_place, no_place, math.isnan(altitude), not level, not level, no_q]
    return Reading(
        where=where,
        name=name,
        time_s=None,
        position=torch.tensor([latitude, longitude, altitude], dtype=torch.float64),
        geographic=True,
        altitude_above=above,
        q=q,
        covariance=without(covariance, torch.tensor(empty)),
    )


def _place(gps: Mapping[int, Any], dji: Mapping[str, str]) -> tuple[float, float]:
    """Return latitude and longitude in degrees, nan where there are none."""
    found = []
    # DJI wrote GpsLongtitude for some years
    for tag, ref, negative, keys in (
        (GPS.GPSLatitude, GPS.GPSLatitudeRef, "S", ("GpsLatitude",)),
        (GPS.GPSLongitude, GPS.GPSLongitudeRef, "W", ("GpsLongitude", "GpsLongtitude")),
    ):
        if tag in gps:
            degrees, minutes, seconds = (float(part) for part in gps[tag])
            size = degrees + minutes / 60 + seconds / 3600
            found.append(-size if gps.get(ref) == negative else size)
        else:
            found.append(next((float(dji[key]) for key in keys if dji.get(key)), math.nan))
    latitude, longitude = found
    known = math.isfinite(latitude) and math.isfinite(longitude)
    return (latitude, longitude) if known else (math.nan, math.nan)


def _altitude(
    gps: Mapping[int, Any], dji: Mapping[str, str], wanted: str | None
) -> tuple[float, str | None]:
    """Return an altitude in metres, nan where there is none, and what the file says that it is above."""
    if wanted == "takeoff":
        return float(dji.get("RelativeAltitude") or math.nan), "takeoff"
    reference = gps.get(GPS.GPSAltitudeRef, 0)
    reference = reference[0] if isinstance(reference, bytes) else int(reference)
    if GPS.GPSAltitude in gps:
        altitude = float(gps[GPS.GPSAltitude])
        return -altitude if reference in (1, 3) else altitude, "geoid" if reference > 1 else None
    return float(dji.get("AbsoluteAltitude") or math.nan), None
