"""The addresses below ``/class-api`` to which the bar of a class sends its requests.

They are outside of Streamlit's sessions, so two hundred phones that only answer need no sessions. A browser proves its
rights with its key in the header ``Authorization``. Other sites cannot send this header, and logs do not contain it. If
many browsers request the state of a class at the same time, it is read from the store once.
"""

import io
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from cachetools import TTLCache
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from explorer.classroom.classes import Classes, Round, classes
from explorer.classroom.members import Class, Member, NoClassError, NotAllowedError, Role
from explorer.classroom.question import read_question
from explorer.classroom.runs import with_curves
from explorer.errors import ExplorerError, InputError, StoreError
from explorer.i18n import _, choose_language, ngettext, use_language
from explorer.settings import settings
from explorer.ui.classroom import report, view
from explorer.ui.classroom.sending import Places
from explorer.ui.shared.class_run import read_run
from explorer.ui.upload_limit import client_address

MAX_LINK = 500  # characters of a link in a QR code
MAX_BODY = 700_000  # bytes of a request: a picture and a question
FRESH = 0.25  # seconds for which the state of a class is cached
PRESENCE = 60.0  # seconds between two updates of the time at which a student was last present
WRONG_CODES = 60  # wrong codes per address within ten minutes; a whole class can have the same address
WRONG_SECONDS = 600.0
REPORTS = 8  # at the same time; each has one round of a class in memory

_States = tuple[Class, list[Round], dict[str, str]]
_states: TTLCache[str, _States] = TTLCache(200, FRESH)
_members: TTLCache[tuple[str, str], Member] = TTLCache(10_000, PRESENCE)
_wrong: TTLCache[str, deque[float]] = TTLCache(10_000, WRONG_SECONDS)
_opened: TTLCache[str, str] = TTLCache(1000, 48 * 3600.0)  # clients that have opened classes on this server, by codes
_lock, _opening = Lock(), Lock()
_reports = Places(REPORTS)


class TooManyError(InputError):
    """A client has tried too many codes."""


def routes() -> list[Route]:
    """Returns the routes for the app."""
    return [
        Route("/class-api/state", _answering(_state), methods=["GET"]),
        Route("/class-api/report", _answering(_report), methods=["GET"]),
        Route("/class-api/qr", _answering(_qr), methods=["GET"]),
        Route("/class-api/{action}", _answering(_act), methods=["POST"]),
    ]


def _answering(function: Callable[[Request, dict[str, Any]], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Returns an endpoint that answers errors with their sentence as JSON."""

    async def endpoint(request: Request) -> Response:
        use_language(choose_language(request.query_params.get("lang"), request.headers.get("accept-language")))
        try:
            body = await _body(request) if request.method == "POST" else {}
            return await run_in_threadpool(function, request, body)
        except ExplorerError as error:
            return JSONResponse({"error": str(error)}, _status(error), headers={"cache-control": "no-store"})

    return endpoint


def _status(error: ExplorerError) -> int:
    match error:
        case NoClassError():
            return 404
        case NotAllowedError():
            return 403
        case TooManyError():
            return 429
        case StoreError():
            return 503
        case _:
            return 400


async def _body(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise InputError(_("A request to a class is a JSON object."))
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise InputError(_("This request is too large."))
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise InputError(_("A request to a class is a JSON object."))
    return body


def _state(request: Request, _body: dict[str, Any]) -> Response:
    member = _member(request)
    found, rounds, words = _fresh(member.code)
    have = request.query_params.get("have", "")
    payload = view.state(found, rounds, words, member, int(have) if have.isdecimal() and len(have) < 9 else 0)
    return _json(payload)


def _report(request: Request, _body: dict[str, Any]) -> Response:
    code, key = _code_and_key(request)
    with _counted_tries(client_address(request.scope)):
        found = classes().teacher_of(code, key)

    def rounds() -> Iterator[Round]:
        for one in classes().each_round(code):
            yield from with_curves([one])

    words = classes().words(code)
    if request.query_params.get("format") == "csv":
        return _reports.response(report.csv(rounds, words), "text/csv; charset=utf-8")
    return _reports.response(report.html(found, rounds, words), "text/html; charset=utf-8")


def _qr(request: Request, _body: dict[str, Any]) -> Response:
    """Returns the QR code of a link as SVG."""
    import segno

    link = request.query_params.get("link", "")
    if not link.startswith(("http://", "https://")) or len(link) > MAX_LINK:
        raise InputError(_("link: it must begin with http and have at most {most} characters").format(most=MAX_LINK))
    code = segno.make(link, error="m")
    svg = io.BytesIO()
    code.save(svg, kind="svg", xmldecl=False, border=2, dark="#000", light="#fff", omitsize=True)
    return Response(svg.getvalue(), media_type="image/svg+xml")


def _act(request: Request, body: dict[str, Any]) -> Response:
    store = classes()
    action = str(request.path_params["action"])
    if action == "open":
        code, key = _open(store, client_address(request.scope))
        return _json({"code": code, "key": key, "role": Role.TEACHER})
    if action in {"join", "accept"}:
        return _json(_enter(store, action, request, body))
    member = _member(request)
    payload = _change(store, action, member, body) or {}
    with _lock:
        _states.pop(member.code, None)
    return _json(payload)


def _open(store: Classes, client: str) -> tuple[str, str]:
    """Opens a class, and returns its code and the key of its teacher.

    Raises:
        InputError: If too many classes are open, from this client or in total.
    """
    most = settings().classes_per_client or max(1, settings().classes // 2)
    with _opening:
        own = [code for code, other in _opened.items() if other == client]
        if len(own) >= most:
            own = [code for code in own if _is_open(store, code)]
        if len(own) >= most:
            raise InputError(
                ngettext(
                    "{count} class was opened from your address, as many as may be; try again when it has ended.",
                    "{count} classes were opened from your address, as many as may be; try again when one has ended.",
                    len(own),
                ).format(count=len(own))
            )
        code, key = store.open()
        _opened[code] = client
    return code, key


def _is_open(store: Classes, code: str) -> bool:
    """Returns whether a class goes on. Forgets it otherwise."""
    try:
        store.get(code)
    except NoClassError:
        _opened.pop(code, None)
        return False
    return True


def _enter(store: Classes, action: str, request: Request, body: dict[str, Any]) -> dict[str, Any]:
    code, client = str(body.get("code", ""))[:20].strip().upper(), client_address(request.scope)
    _check_tries(client)  # also before a right code, which may be a lucky guess
    with _counted_tries(client):
        if action == "accept":
            return {"code": code, "key": store.accept(code, str(body.get("invitation", ""))), "role": Role.TEACHER}
        key, word = store.join(code)
    return {"code": code, "key": key, "word": word, "role": Role.STUDENT}


def _change(store: Classes, action: str, member: Member, body: dict[str, Any]) -> dict[str, Any] | None:
    match action:
        case "answer":
            store.answer(member, _number(body), read_run(body["run"]) if "run" in body else body.get("value"))
        case "send":
            store.send(member, str(body.get("screen", "")))
        case "ask":
            return {"number": store.ask(member, read_question(body))}
        case "again":
            return {"number": store.ask_again(member, _number(body))}
        case "question":
            store.change_question(
                member, _number(body), closed=_flag(body, "closed"), revealed=_flag(body, "revealed"),
                right=body.get("right"),
            )  # fmt: skip
        case "put-away":
            store.end_question(member)
        case "show-text":
            store.show_text(member, _number(body), str(body.get("word", "")), shown=body.get("shown") is not False)
        case "invite":
            return {"invitation": store.invite(member)}
        case "end":
            store.end(member)
        case _:
            raise InputError(_("A class can't do that."))
    return None


def _member(request: Request) -> Member:
    """Returns the member that sends a request, and stores that a student is present."""
    code, key = _code_and_key(request)
    with _lock:
        member = _members.get((code, key))
    if member is None:
        with _counted_tries(client_address(request.scope)):
            member = classes().member(code, key)
        if member.role is Role.STUDENT:
            classes().note_presence(member)
        with _lock:
            _members[code, key] = member
    return member


def _code_and_key(request: Request) -> tuple[str, str]:
    kind, _space, key = request.headers.get("authorization", "").partition(" ")
    return request.query_params.get("code", ""), key if kind.lower() == "bearer" else ""


@contextmanager
def _counted_tries(client: str) -> Iterator[None]:
    """Counts the wrong codes and keys of a client. Members of a class are not affected by wrong codes of others.

    Raises:
        TooManyError: If the client has sent too many wrong codes or keys, and this one is wrong too.
    """
    try:
        yield
    except (NoClassError, NotAllowedError):
        _check_tries(client)
        with _lock:
            _wrong.setdefault(client, deque(maxlen=WRONG_CODES)).append(time.monotonic())
        raise


def _check_tries(client: str) -> None:
    with _lock:
        tries = _wrong.get(client, ())
        recent = sum(time.monotonic() - one < WRONG_SECONDS for one in tries)
    if recent >= WRONG_CODES:
        raise TooManyError(_("Too many wrong codes came from here. Wait ten minutes."))


def _fresh(code: str) -> _States:
    with _lock:  # other threads wait for the first one, and get its result
        if (known := _states.get(code)) is None:
            found = classes().get(code)
            known = found, with_curves(classes().current_rounds(found)), classes().words(code)
            _states[code] = known
    return known


def _number(body: dict[str, Any]) -> int:
    number = body.get("number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**9:
        raise InputError(_("number: it must be the number of a question"))
    return number


def _flag(body: dict[str, Any], name: str) -> bool | None:
    value = body.get(name)
    return value if isinstance(value, bool) else None


def _json(payload: dict[str, Any]) -> Response:
    return JSONResponse(payload, headers={"cache-control": "no-store"})
