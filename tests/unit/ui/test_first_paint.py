"""The style and the script that stand in the document of every page."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from explorer.ui.first_paint import ADDED, FirstPaint

DOCUMENT = "<!DOCTYPE html><html><head><title>Café</title></head><body></body></html>"
NAVIGATION = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "index.html").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "script.js").write_text("// </head>")
    files = StaticFiles(directory=tmp_path, html=True)
    middleware = [Middleware(FirstPaint), Middleware(GZipMiddleware, minimum_size=1)]
    return TestClient(Starlette(routes=[Mount("/", files)], middleware=middleware))


@pytest.mark.parametrize("more", [{}, {"range": "bytes=0-9"}, {"if-none-match": "*"}, {"accept-encoding": "gzip"}])
def test_a_document_gets_them(client: TestClient, more: dict[str, str]) -> None:
    answer = client.get("/", headers=NAVIGATION | more)
    assert answer.status_code == 200
    assert answer.content.decode() == DOCUMENT.replace("</head>", f"{ADDED}</head>")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert not {"etag", "last-modified", "content-encoding"} & set(answer.headers)


def test_other_answers_stay_as_they_are(client: TestClient) -> None:
    assert client.get("/script.js", headers=NAVIGATION).text == "// </head>"
    assert client.get("/", headers={"accept": "*/*"}).text == DOCUMENT
    assert client.get("/nowhere", headers=NAVIGATION).status_code == 404
    assert client.post("/", headers=NAVIGATION).status_code == 405
