"""What stands in the document of every page: style, scripts, and the order in which code is loaded."""

import json
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from explorer.ui import page_code
from explorer.ui.first_paint import FirstPaint, complete

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
    assert answer.content.decode() == complete(DOCUMENT.encode()).decode()
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert not {"etag", "last-modified", "content-encoding"} & set(answer.headers)


def test_other_answers_stay_as_they_are(client: TestClient) -> None:
    assert client.get("/script.js", headers=NAVIGATION).text == "// </head>"
    assert client.get("/", headers={"accept": "*/*"}).text == DOCUMENT
    assert client.get("/nowhere", headers=NAVIGATION).status_code == 404
    assert client.post("/", headers=NAVIGATION).status_code == 405


def test_the_map_of_charts_comes_first_and_the_early_code_last() -> None:
    document = complete(DOCUMENT.encode()).decode()
    assert document.startswith('<!DOCTYPE html><html><head><script type="importmap">')
    assert document.endswith('.js"></head><body></body></html>')


def test_the_installed_streamlit_has_the_code_of_each_kind() -> None:
    for kind in page_code.EARLY:
        assert re.search(rf'href="./static/js/{kind}\.[^"]+\.js"', page_code.preloads()), kind
    assert not any(f"/{kind}." in page_code.preloads() for kind in page_code.LATE)
    start, end = '<script type="importmap">', "</script>"
    late = json.loads(page_code.import_map().removeprefix(start).removesuffix(end))["scopes"]["./static/js/"]
    assert len(late) == len(page_code.LATE)
    for address, script in late.items():
        assert (page_code.FOLDER / Path(address).name).is_file()
        assert f"codeOfChart('{address}')" in script


def test_early_code_comes_with_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "Html.1.js").write_text('import{a as b}from"./sub.2.js";import"./gone.3.js";import(`./later.4.js`)')
    (tmp_path / "sub.2.js").write_text('import{o}from"./Html.1.js"')
    (tmp_path / "later.4.js").write_text("")
    assert re.findall(r'href="./static/js/([^"]+)"', page_code.preloads(tmp_path)) == ["Html.1.js", "sub.2.js"]
