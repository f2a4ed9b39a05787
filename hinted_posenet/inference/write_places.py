"""Estimates as places on Earth: KML for Google Earth, GeoJSON for QGIS and web maps.

A place has the name and status of its image, its heading, and its standard deviations; an outline beside it holds
the camera with 95 %. Altitudes are above what the origin's altitude is above. One is a third coordinate only where
the format means the same by it, above the geoid in KML and above the ellipsoid in GeoJSON; it is always among the
properties.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hinted_posenet.core.files import atomic_write, write_json
from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.geometry import rotate
from hinted_posenet.inference.estimate_row import EstimateRow
from hinted_posenet.inference.map_marks import ellipse_95, heading_rad

ARROW = (
    "https://maps.google.com/mapfiles/kml/shapes/arrow.png"  # comes with Google Earth; points down
)
COLOURS = {"ok": "ff5eb91f", "uncertain": "ff29b4f0"}  # aabbggrr
OUTSIDE = "ff2f24d1"  # of every other status


def write_kml(path: Path, rows: Sequence[EstimateRow], origin: Origin) -> None:
    """Write a folder of places and one of outlines; images without an answer are listed in the description."""
    import simplekml

    simplekml.Kml.resetidcounter()  # so that the same rows give the same bytes
    kml = simplekml.Kml(name=path.stem)
    unanswered = [f"{row.name}: {row.status}" for row in rows if not row.answered]
    if unanswered:
        kml.document.description = "\n".join(["Without an answer:", *unanswered])
    places, outlines = kml.newfolder(name="cameras"), kml.newfolder(name="95 % ellipses")
    absolute = origin.vertical == "geoid"
    for row in rows:
        if not row.answered:
            continue
        properties = _properties(row, origin)
        colour = COLOURS.get(row.status, OUTSIDE)
        point = places.newpoint(name=row.name, coords=[_coordinates(row, origin, absolute)])
        point.altitudemode = "absolute" if absolute else "clampToGround"
        point.description = "\n".join(f"{key}: {value}" for key, value in properties.items())
        point.style.iconstyle.icon.href = ARROW
        point.style.iconstyle.color = colour
        point.style.iconstyle.heading = properties["heading_deg"]
        if outline := _outline(row, origin):
            polygon = outlines.newpolygon(name=row.name, outerboundaryis=outline)
            polygon.style.linestyle.color = colour
            polygon.style.polystyle.color = "40" + colour[2:]
    with atomic_write(path) as partial:
        kml.save(str(partial))


def write_geojson(path: Path, rows: Sequence[EstimateRow], origin: Origin) -> None:
    """Write a collection of points and polygons; an image without an answer has no geometry."""
    features = []
    for row in rows:
        if not row.answered:
            properties = {"name": row.name, "status": row.status, "time_s": row.time_s}
            features.append(_feature(None, properties))
            continue
        coordinates = _coordinates(row, origin, origin.vertical == "ellipsoid")
        point = {"type": "Point", "coordinates": coordinates}
        features.append(_feature(point, _properties(row, origin)))
        if outline := _outline(row, origin):
            polygon = {"type": "Polygon", "coordinates": [outline]}
            features.append(_feature(polygon, {"name": row.name, "outline": "95 % ellipse"}))
    content = {"type": "FeatureCollection", "features": features}
    write_json(path, content, indent=1)


def _feature(geometry: dict[str, Any] | None, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _properties(row: EstimateRow, origin: Origin) -> dict[str, Any]:
    """Return what is told of a place; None is an uncertainty that is not known."""
    _, _, altitude_m = origin.to_geographic(row.pose.t)
    sigma = row.sigma.tolist()
    up = rotate(row.pose.q, row.pose.q.new_tensor([0.0, 0.0, 1.0]))[2].clamp(-1.0, 1.0).item()
    found: dict[str, Any] = {
        "name": row.name,
        "status": row.status,
        "time_s": row.time_s,
        "altitude_m": round(altitude_m.item(), 3),
        "altitude_above": origin.vertical,
        "heading_deg": round(math.degrees(heading_rad(row.pose.q).item()) % 360, 2),
        "pitch_deg": round(math.degrees(math.asin(up)), 2),
    }
    stated = dict(zip("xyz", sigma, strict=False))
    found |= {f"sigma_{axis}_m": _known(value) for axis, value in stated.items()}
    found["sigma_heading_deg"] = _known(math.degrees(sigma[5]))
    return found


def _known(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _coordinates(row: EstimateRow, origin: Origin, with_altitude: bool) -> tuple[float, ...]:
    latitude, longitude, altitude_m = (part.item() for part in origin.to_geographic(row.pose.t))
    flat = round(longitude, 8), round(latitude, 8)  # 1e-8 degrees are a millimetre
    return (*flat, round(altitude_m, 3)) if with_altitude else flat


def _outline(row: EstimateRow, origin: Origin) -> list[tuple[float, float]] | None:
    """Return the closed 95 % ellipse as longitudes and latitudes, anticlockwise; None if it is not known."""
    ellipse = ellipse_95(row.covariance)
    if ellipse is None:
        return None
    position: Tensor = row.pose.t + torch.cat([ellipse, torch.zeros(len(ellipse), 1)], dim=1)
    latitude, longitude, _ = origin.to_geographic(position)
    return [
        (round(x, 8), round(y, 8))
        for x, y in zip(longitude.tolist(), latitude.tolist(), strict=True)
    ]
