"""Helpers of all page tests."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

MAIN = Path(__file__).parents[2] / "explorer" / "main.py"


def open_page(page: str, **link: str) -> AppTest:
    """Open a page in a new session with this link."""
    app = AppTest.from_file(str(MAIN), default_timeout=60).switch_page(f"../pages/{page}.py")
    for key, value in link.items():
        app.query_params[key] = value
    return app.run()


def metrics(app: AppTest) -> dict[str, str]:
    assert not app.exception
    return {metric.label: metric.value for metric in app.metric}


def problem(app: AppTest) -> str:
    assert not app.exception
    return " ".join(error.value.replace("\\", "") for error in app.error)
