"""Helpers of all page tests."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

MAIN = Path(__file__).parents[2] / "explorer" / "main.py"


def open_page(page: str, **link: str) -> AppTest:
    """Open a page in a new session with this link."""
    app = AppTest.from_file(str(MAIN), default_timeout=300).switch_page(f"../pages/{page}.py")
    for key, value in link.items():
        app.query_params[key] = value
    return app.run()


def metrics(app: AppTest) -> dict[str, str]:
    assert not app.exception
    return {metric.label: metric.value for metric in app.metric}


def problem(app: AppTest) -> str:
    assert not app.exception
    return " ".join(error.value.replace("\\", "") for error in app.error)


def component_data(app: AppTest, key: str) -> dict[str, Any]:
    """Return the data that one of our components received."""
    [found] = [part.proto for part in app.get("bidi_component") if key in part.proto.id]
    data: dict[str, Any] = json.loads(found.json)
    return data


def layer_panel(app: AppTest, layer: str) -> dict[str, str]:
    """Return the lines of a layer in the panel of the Architecture page, by their labels."""
    data = component_data(app, "layer-panel-data")
    [panel] = [one for one in data["layers"] if one["name"] == layer]
    return {data["labels"][label]: text for label, text in panel["lines"]}


def layer_table(app: AppTest) -> pd.DataFrame:
    """Return the table of layers on the Architecture page, with the names of its columns."""
    data = component_data(app, "layers")
    return pd.DataFrame(data["rows"], columns=[column["key"] for column in data["columns"]])
