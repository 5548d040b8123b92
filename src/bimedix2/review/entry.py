"""What every kind of batch needs of its pages: signing in, who sent a request, images, and the page shell."""

import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Annotated, Any, ClassVar, NamedTuple
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from bimedix2 import imaging, io
from bimedix2.errors import BiMediX2Error, DataError, RunError
from bimedix2.records.images import ImageStore
from bimedix2.review.accounts import SHORTEST, Sessions
from bimedix2.review.desk import Desk
from bimedix2.review.settings import Config, Role
from bimedix2.web import shell
from bimedix2.web.guard import cookie

SESSION, LANGUAGE = "bimedix2_review", "bimedix2_language"
LARGEST = 4 << 20
"""Bytes of a request's body."""
MAX_SIDE = 1400
"""Pixels to which an image is scaled down."""


class Refused(Exception):
    """A request is answered with a status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Person:
    """Whoever sent a request."""

    def __init__(self, name: str, role: Role, token: str) -> None:
        self.name, self.role, self.token = name, role, token

    @property
    def adjudicates(self) -> bool:
        """Whether they resolve what reviewers differ on."""
        return self.role == "adjudicator"


async def fields(request: Request) -> dict[str, Any]:
    """The fields of a body, JSON or a form's.

    Raises:
        Refused: it is too large, or not what it says.
    """
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > LARGEST:
            raise Refused(413, f"the request is larger than {LARGEST >> 20} MB; send a shorter text")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "application/x-www-form-urlencoded":
        return {name: values[0] for name, values in parse_qs(data.decode("utf-8", "replace")).items()}
    try:
        value = io.parse_json(data.decode("utf-8")) if media == "application/json" else None
    except ValueError as error:
        raise Refused(400, f"the request is not JSON ({error}); reload the page") from None
    if not isinstance(value, dict):
        raise Refused(400, "the request must be a JSON object; reload the page")
    return value


Fields = Annotated[dict[str, Any], Depends(fields)]


def language_of(request: Request) -> shell.Interface:
    """The interface's language: chosen in the address, remembered, or the browser's own."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE)
    return shell.interface_language(chosen, request.headers.get("accept-language", ""))


def text(given: dict[str, Any], name: str) -> str:
    """A field that must be text."""
    value = given.get(name, "")
    if not isinstance(value, str):
        raise DataError(f"'{name}' must be text; reload the page")
    return value


class Words(NamedTuple):
    """Names of the strings in which kinds of batches differ."""

    page_title: str = "review_page_title"
    title: str = "review_title"
    lead: str = "review_login_lead"
    privacy: str = "review_privacy"


class Entry:
    """The routes that do not depend on what is judged; ``shell`` is the template that frames every page.

    Args:
        desk: the batch.
        sessions: who is signed in.
        config: the settings.
        shown: hashes of the images that may be asked for.
        words: of the kind of batch.
    """

    shell: ClassVar[str] = "review_shell.html"

    def __init__(
        self,
        desk: Desk[Any],
        sessions: Sessions,
        config: Config,
        shown: Iterable[str],
        words: Words | None = None,
    ) -> None:
        self.desk, self.sessions, self.config = desk, sessions, config
        self.secure = bool(config.tls_cert) or config.behind_proxy
        self.images = ImageStore(config.input / "images")
        self.shown = set(shown)
        self.words = words or Words()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes of ``pages`` and ``acts`` too."""
        app.mount(f"/static/{shell.asset_version()}", StaticFiles(directory=shell.STATIC))
        for path, page in self.pages().items():
            app.get(path)(page)
        app.get("/login")(self.login_page)
        app.post("/login")(self.login)
        app.post("/logout")(self.logout)
        app.get("/account")(self.account_page)
        app.post("/account")(self.account)
        app.get("/images/{key}")(self.image)
        for path, act in self.acts().items():
            app.post(path)(self._acting(act))

    # What a kind of batch brings

    def pages(self) -> dict[str, Callable[[Request], Response]]:
        """Address -> page."""
        raise NotImplementedError

    def acts(self) -> dict[str, Callable[[Person, dict[str, Any]], dict[str, Any]]]:
        """Address -> what writes."""
        raise NotImplementedError

    def counts(self, person: Person) -> dict[str, int]:
        """What stands above every page."""
        raise NotImplementedError

    # Who

    def person(self, request: Request) -> Person:
        """Who sent a request.

        Raises:
            Refused: nobody who is signed in.
        """
        token = cookie(request.headers.get("cookie", ""), SESSION)
        found = self.sessions.person(token) if token else None
        if found is None:
            raise Refused(401, "your session has ended; reload the page and sign in again")
        return Person(found[0], found[1], token)

    def checked(self, request: Request, given: dict[str, Any]) -> Person:
        """Who sent a request that writes.

        Raises:
            Refused: nobody, or it carries no token of their page.
        """
        person = self.person(request)
        form = request.headers.get("x-form-token") or text(given, "form")
        if not self.sessions.form_is_ours(person.token, form):
            raise Refused(403, "the request does not come from a page of yours; reload the page")
        return person

    # Pages

    def page(
        self,
        request: Request,
        template: str,
        person: Person,
        script: dict[str, Any] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """A page of somebody who is signed in; ``script`` is for its script, ``values`` for its template."""
        language = language_of(request)
        form = self.sessions.form_token(person.token)
        shared = {
            "person": person,
            "form": form,
            "progress": self.counts(person),
            "closed": self.desk.board.closed,
            "words": self.words,
            "shell": self.shell,
        }
        data = {"form": form, "title": self.words.page_title, **(script or {})}
        response = HTMLResponse(shell.page(template, language, data, **shared, **values))
        if "lang" in request.query_params:
            response.set_cookie(LANGUAGE, language, max_age=365 * 86400, samesite="strict")
        return response

    def image(self, request: Request, key: str) -> Response:
        """An image of the batch, as pixels alone: the header of a DICOM file stays on the server."""
        self.person(request)
        if key not in self.shown:
            raise Refused(404, "there is no such image in this batch; go back to the pair")
        picture = imaging.read(self.images.read(key)).image.convert("RGB")
        picture.thumbnail((MAX_SIDE, MAX_SIDE))
        buffer = BytesIO()
        picture.save(buffer, "PNG", compress_level=3)
        return Response(buffer.getvalue(), media_type="image/png")

    def _acting(self, act: Callable[[Person, dict[str, Any]], dict[str, Any]]) -> Callable[..., Response]:
        def endpoint(request: Request, given: Fields) -> Response:
            return JSONResponse(act(self.checked(request, given), given))

        return endpoint

    # Signing in

    def login_page(self, request: Request) -> Response:
        """Where one signs in."""
        return self._login_page(request, wrong=False)

    def _login_page(self, request: Request, wrong: bool) -> Response:
        language = language_of(request)
        response = HTMLResponse(
            shell.page("review_login.html", language, wrong=wrong, words=self.words), 401 if wrong else 200
        )
        if "lang" in request.query_params:
            response.set_cookie(LANGUAGE, language, max_age=365 * 86400, samesite="strict")
        return response

    def login(self, request: Request, given: Fields) -> Response:
        """Sign in."""
        token = self.sessions.sign_in(text(given, "name").strip(), text(given, "password"))
        if token is None:
            time.sleep(0.3)  # guessing is slow
            return self._login_page(request, wrong=True)
        return self._signed(RedirectResponse("/", 303), token)

    def _signed(self, response: Response, token: str) -> Response:
        response.set_cookie(
            SESSION,
            token,
            max_age=int(self.sessions.seconds),
            httponly=True,
            samesite="strict",
            secure=self.secure,
        )
        return response

    def logout(self, request: Request, given: Fields) -> Response:
        """Sign out of this browser."""
        self.checked(request, given)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(SESSION, httponly=True, samesite="strict", secure=self.secure)
        return response

    def account_page(self, request: Request) -> Response:
        """Where one changes one's password."""
        return self.page(request, "review_account.html", self.person(request), said="", shortest=SHORTEST)

    def account(self, request: Request, given: Fields) -> Response:
        """Change one's password; other sessions of that person end."""
        person = self.checked(request, given)
        try:
            token = self.sessions.change_password(person.name, text(given, "old"), text(given, "new"))
        except DataError:
            short = len(text(given, "new")) < SHORTEST
            said = "review_password_short" if short else "review_password_wrong"
            response: Response = self.page(
                request, "review_account.html", person, said=said, shortest=SHORTEST
            )
            response.status_code = 400
            return response
        fresh = Person(person.name, person.role, token)
        done = self.page(
            request, "review_account.html", fresh, said="review_password_changed", shortest=SHORTEST
        )
        return self._signed(done, token)


def status_of(error: BiMediX2Error) -> int:
    """The status of an answer to a request that one of our errors ended."""
    return 409 if isinstance(error, RunError) else 400 if isinstance(error, DataError) else 500
