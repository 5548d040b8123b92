"""The pages' addresses: sign in, review, discuss, adjudicate. Every act is checked by ``Room``."""

import time
from collections.abc import Callable
from io import BytesIO
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from bimedix2 import imaging, io
from bimedix2.errors import BiMediX2Error, DataError, RunError
from bimedix2.records.images import ImageStore
from bimedix2.review import view
from bimedix2.review.accounts import SHORTEST, Sessions
from bimedix2.review.board import Board, Standing
from bimedix2.review.room import Room
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


class Pages:
    """The routes over one room.

    Args:
        room: the batch.
        sessions: who is signed in.
        config: the settings.
    """

    def __init__(self, room: Room, sessions: Sessions, config: Config) -> None:
        self.room, self.sessions, self.config = room, sessions, config
        self.secure = bool(config.tls_cert) or config.behind_proxy
        self.images = ImageStore(config.input / "images")
        self.shown = {key for s in room.board.standings.values() for key in s.item.images}

    def add_to(self, app: FastAPI) -> None:
        """Add everything."""
        app.mount(f"/static/{shell.asset_version()}", StaticFiles(directory=shell.STATIC))
        for path, page in {"/": self.home, "/pair": self.pair, "/mine": self.mine}.items():
            app.get(path)(page)
        app.get("/login")(self.login_page)
        app.post("/login")(self.login)
        app.post("/logout")(self.logout)
        app.get("/account")(self.account_page)
        app.post("/account")(self.account)
        app.get("/images/{key}")(self.image)
        for path, act in {
            "/reviews": self._review,
            "/skips": self._skip,
            "/comments": self._comment,
            "/resolutions": self._resolve,
        }.items():
            app.post(path)(self._acting(act))

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

    def _page(
        self,
        request: Request,
        template: str,
        person: Person,
        script: dict[str, Any] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        def count(board: Board) -> dict[str, int]:
            own = [s for s in board.standings.values() if person.name in s.reviews]
            differ = sum(s.state(board.overlap) == "conflict" for s in own)
            found = {**board.progress(), "mine": len(own), "mine_differ": differ}
            return {**found, "queue": len(board.queue())} if person.adjudicates else found

        language = language_of(request)
        form = self.sessions.form_token(person.token)
        shared = {
            "person": person,
            "form": form,
            "progress": self.room.read(count),
            "closed": self.room.board.closed,
        }
        data = {"form": form, **(script or {})}
        response = HTMLResponse(shell.page(template, language, data, **shared, **values))
        if "lang" in request.query_params:
            response.set_cookie(LANGUAGE, language, max_age=365 * 86400, samesite="strict")
        return response

    def home(self, request: Request) -> Response:
        """The next pair of a reviewer, or the adjudicator's queue."""
        try:
            person = self.person(request)
        except Refused:
            return RedirectResponse("/login", 303)
        if person.adjudicates:
            rows = self.room.read(lambda board: [view.row(s, board, person.name) for s in board.queue()])
            return self._page(request, "review_list.html", person, rows=rows, kind="queue")
        standing = self.room.next_for(person.name)
        if standing is None:
            return self._page(request, "review_list.html", person, rows=[], kind="done")
        return self._pair_page(request, person, standing, "review")

    def mine(self, request: Request) -> Response:
        """What a person reviewed."""
        person = self.person(request)
        rows = self.room.read(
            lambda board: [view.row(s, board, person.name) for s in board.mine(person.name)]
        )
        return self._page(request, "review_list.html", person, rows=rows, kind="mine")

    def pair(self, request: Request) -> Response:
        """One pair again: to revise, to discuss, or to resolve."""
        person = self.person(request)
        name = request.query_params.get("item", "")

        def look(board: Board) -> tuple[Standing, str]:
            standing = board.of(name)
            if person.adjudicates:
                return board.may_discuss(person.name, name, True), "adjudicate"
            if person.name not in standing.reviews:
                raise RunError("this pair was not given to you; go on with the next")
            differs = standing.state(board.overlap) == "conflict"
            return standing, "discuss" if differs else "revise"

        standing, mode = self.room.read(look)
        return self._pair_page(request, person, standing, mode)

    def _pair_page(self, request: Request, person: Person, standing: Standing, mode: str) -> Response:
        final = self.room.board.closed or standing.resolution is not None
        own = standing.latest.get(person.name) or standing.resolution
        seen = mode in ("discuss", "adjudicate")
        script = {
            "mode": mode,
            "item": standing.item.id,
            "targets": {n: p.target for n, p in enumerate(standing.item.parts) if p.image is None},
            "own": view.judgement(own, standing) if own and mode != "review" else None,
            "others": view.others(standing, person.name) if seen else [],
            "comments": view.comments(standing, person.name) if seen else [],
            "final": final,
        }
        return self._page(
            request,
            "review_pair.html",
            person,
            script,
            mode=mode,
            turns=view.turns(standing),
            item=standing.item,
            final=final,
            left_out=list(standing.skipped.values()) if mode == "adjudicate" else [],
            verdicts=view.VERDICT_KEYS,
            categories=view.CATEGORY_KEYS,
        )

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

    # Acts

    def _acting(self, act: Callable[[Person, dict[str, Any]], dict[str, Any]]) -> Callable[..., Response]:
        def endpoint(request: Request, given: Fields) -> Response:
            return JSONResponse(act(self.checked(request, given), given))

        return endpoint

    def _review(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        if person.adjudicates:
            raise RunError("an adjudicator resolves and does not review; sign in as a reviewer")
        return {"event": self.room.review(person.name, text(given, "item"), given.get("judgement")).seq}

    def _skip(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        return {"event": self.room.skip(person.name, text(given, "item"), text(given, "reason")).seq}

    def _comment(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        item = text(given, "item")
        event = self.room.comment(person.name, item, text(given, "text"), person.adjudicates)
        return {
            "event": event.seq,
            "comments": self.room.read(lambda board: view.comments(board.of(item), person.name)),
        }

    def _resolve(self, person: Person, given: dict[str, Any]) -> dict[str, Any]:
        if not person.adjudicates:
            raise RunError("only an adjudicator resolves; discuss the pair, or revise your review")
        return {"event": self.room.resolve(person.name, text(given, "item"), given.get("judgement")).seq}

    # Signing in

    def login_page(self, request: Request) -> Response:
        """Where one signs in."""
        return self._login_page(request, wrong=False)

    def _login_page(self, request: Request, wrong: bool) -> Response:
        language = language_of(request)
        response = HTMLResponse(shell.page("review_login.html", language, wrong=wrong), 401 if wrong else 200)
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
        return self._page(request, "review_account.html", self.person(request), said="", shortest=SHORTEST)

    def account(self, request: Request, given: Fields) -> Response:
        """Change one's password; other sessions of that person end."""
        person = self.checked(request, given)
        try:
            token = self.sessions.change_password(person.name, text(given, "old"), text(given, "new"))
        except DataError:
            short = len(text(given, "new")) < SHORTEST
            said = "review_password_short" if short else "review_password_wrong"
            response: Response = self._page(
                request, "review_account.html", person, said=said, shortest=SHORTEST
            )
            response.status_code = 400
            return response
        fresh = Person(person.name, person.role, token)
        done = self._page(
            request, "review_account.html", fresh, said="review_password_changed", shortest=SHORTEST
        )
        return self._signed(done, token)


def status_of(error: BiMediX2Error) -> int:
    """The status of an answer to a request that one of our errors ended."""
    return 409 if isinstance(error, RunError) else 400 if isinstance(error, DataError) else 500
