"""The service: an image and a hint go in by HTTP, a pose with its covariance comes out; and a page to try it."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import python_multipart  # noqa: F401  # FastAPI reads forms by it
from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from hinted_posenet.core.errors import LESS_MEMORY, InputError, printable, reason
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.inference.locate import Localizer
from hinted_posenet.inference.map_localizer import MapLocalizer
from hinted_posenet.inference.service_answers import answer, hint_place
from hinted_posenet.inference.service_desk import (
    Asked,
    BusyError,
    CachedLocalizer,
    Desk,
    UnknownImageError,
    checked_image,
)
from hinted_posenet.inference.service_guard import Guard
from hinted_posenet.inference.service_hint import camera_of, hint_of
from hinted_posenet.inference.service_models import Error, Health, Located, LocateForm, Scene
from hinted_posenet.inference.service_scene import PICTURE_URL, drawn_scene

PAGE = Path(__file__).parent / "service_page"
NOTHING = "nothing is here; POST /locate localizes, and /openapi.json says how"
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "The body is no form."},
    403: {"model": Error, "description": "Another host or another page is meant."},
    404: {"model": Error, "description": "The image is not kept any more; send it again."},
    408: {"model": Error, "description": "The request arrives too slowly."},
    413: {"model": Error, "description": "The request is too large."},
    422: {"model": Error, "description": "A field, the image or the hint is wrong."},
    503: {"model": Error, "description": "Too many requests wait, or one took too long."},
}


def create_app(
    localizer: Localizer | MapLocalizer,
    camera: QueryCamera | None = None,
    host: str = "127.0.0.1",
    max_mb: float = 32.0,
    timeout_s: float = 30.0,
    queue: int = 16,
) -> FastAPI:
    """Return the application that answers for a localizer.

    Args:
        localizer: of a trained place, or of a map.
        camera: of images whose request states none.
        host: that it is bound to, one of the names that it may be called by.
        max_mb: of a request.
        timeout_s: in which a request arrives, and is then answered.
        queue: requests that may be computed or wait for it.
    """
    app = FastAPI(
        title="hinted_posenet",
        version=version("hinted_posenet"),
        description="Camera poses of images, with what is known of them beforehand.",
        docs_url=None,  # they load scripts of other sites
        redoc_url=None,
    )
    app.add_middleware(
        Guard, host=host, most_bytes=round(1e6 * max_mb), timeout_s=timeout_s, most_bodies=2 * queue
    )
    drawn = drawn_scene(localizer, max_mb)
    desk, cached = Desk(queue, timeout_s), CachedLocalizer(localizer, camera)
    ground_at = localizer.files.ground_m if isinstance(localizer, MapLocalizer) else None
    plane = drawn.scene.plane

    @app.post("/locate", response_model=Located, responses=REFUSALS)
    async def locate(
        form: Annotated[LocateForm, Form(media_type="multipart/form-data")],
    ) -> Located:
        """Localize one image, with a hint or without."""
        content = None if form.image is None else await form.image.read()
        checked_image(content, form.image_id)

        def job() -> Located:
            hint = hint_of(form, localizer, ground_at)
            asked = Asked(content, form.image_id, camera_of(form), hint, form.modes)
            found = cached.locate(asked)
            used = None
            if hint is not None:
                used = hint_place(hint.pose, hint.covariance, plane, localizer.origin)
            alone = found.without_hint
            return Located(
                **dict(answer(found.estimate, plane)),
                image_id=found.image_id,
                cached=found.cached,
                hint=used,
                without_hint=None if alone is None else answer(alone, plane),
                time_ms=found.time_ms,
            )

        return await desk.ask(job)

    @app.get("/scene", response_model=Scene)
    async def scene() -> Scene:
        """Return what is localized in, in plan view."""
        return drawn.scene

    @app.get("/health", response_model=Health)
    async def health() -> Health:
        """Return whether the service answers."""
        return Health(status="ok", version=app.version, waiting=desk.waiting)

    if drawn.picture is not None:

        @app.get(f"/{PICTURE_URL}", include_in_schema=False)
        async def picture() -> Response:
            return Response(drawn.picture, media_type="image/jpeg")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE))
    _tell_errors(app)
    return app


def _tell_errors(app: FastAPI) -> None:
    """Answer every error in one line of JSON."""

    async def told(_: Request, error: Any) -> JSONResponse:
        detail = NOTHING if error.detail == "Not Found" else str(error.detail)
        return _error(error.status_code, detail, error.headers)

    async def unfit(_: Request, error: Any) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "body") or "request"
        if field == "image":
            return _error(422, "image: send it as a file of a form, multipart/form-data")
        return _error(422, f"{field}: {first['msg'][:1].lower()}{first['msg'][1:]}")

    async def wrong(_: Request, error: Exception) -> JSONResponse:
        return _error(422, str(error))

    async def unknown(_: Request, error: Exception) -> JSONResponse:
        return _error(404, str(error))

    async def busy(_: Request, error: Exception) -> JSONResponse:
        return _error(503, str(error), {"Retry-After": "1"})

    async def failed(_: Request, error: Exception) -> JSONResponse:
        if reason(error) == LESS_MEMORY:
            return _error(503, "not enough memory; send a smaller image", {"Retry-After": "1"})
        return _error(500, "the computation failed; the log of the service says more")

    for status in (400, 404, 405):  # of Starlette itself
        app.add_exception_handler(status, told)
    app.add_exception_handler(HTTPException, told)
    app.add_exception_handler(RequestValidationError, unfit)
    app.add_exception_handler(InputError, wrong)
    app.add_exception_handler(UnknownImageError, unknown)
    app.add_exception_handler(BusyError, busy)
    app.add_exception_handler(Exception, failed)


def _error(status: int, text: str, headers: Any = None) -> JSONResponse:
    return JSONResponse(Error(error=printable(text)).model_dump(), status, headers)
