"""Other people's tools take the OpenAPI document."""

from __future__ import annotations

import contextlib
import json
from io import StringIO
from pathlib import Path
from typing import Any

import lark
import pytest
import schemathesis

from digirm_cli.main import main
from tests.exports.support import SPECS, whole


@pytest.fixture(scope="module", params=["22.7", "docs-2023"])
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document of the specs, and of the simulator's later contract."""
    file: Path = tmp_path_factory.mktemp(request.param) / "openapi.json"
    specs = str(SPECS) if request.param == "22.7" else request.param
    assert main(["export-spec", "--specs", specs, "--format", "openapi", "--out", str(file)]) == 0
    return file


def test_openapi_python_client_makes_a_client(document: Path, tmp_path: Path) -> None:
    from openapi_python_client import generate
    from openapi_python_client.config import Config, ConfigFile, MetaType

    settings = ConfigFile(post_hooks=[], content_type_overrides={"application/xml": "text/plain"})
    config = Config.from_sources(
        settings, MetaType.NONE, document_source=document, file_encoding="utf-8", overwrite=False,
        output_path=tmp_path / "client",
    )  # fmt: skip
    with contextlib.redirect_stdout(StringIO()):
        assert [f"{error.header} {error.detail}" for error in generate(config=config)] == []
    files = list((tmp_path / "client").rglob("*.py"))
    assert len(files) > 150
    for file in files:
        compile(file.read_text("utf-8"), file.name, "exec")
    if any(file.name == "device_page.py" for file in files):
        # A page holds its own kind of objects.
        text = (tmp_path / "client" / "models" / "device_page.py").read_text("utf-8")
        assert "list_: list[Device]" in text


def test_datamodel_code_generator_makes_models(document: Path, tmp_path: Path) -> None:
    from datamodel_code_generator import InputFileType, generate
    from datamodel_code_generator.enums import DataModelType
    from datamodel_code_generator.format import Formatter

    text = generate(
        document.read_text("utf-8"),
        input_file_type=InputFileType.OpenAPI,
        output_model_type=DataModelType.PydanticV2BaseModel,
        formatters=[Formatter.BUILTIN],
        settings_path=tmp_path,
    )
    assert isinstance(text, str)
    compile(text, "models.py", "exec")
    schemas = json.loads(document.read_text("utf-8"))["components"]["schemas"]
    assert all(f"class {name}(" in text or f"{name} = " in text for name in schemas)


def test_schemathesis_reads_every_operation(document: Path) -> None:
    found = json.loads(document.read_text("utf-8"))
    schema = schemathesis.openapi.from_dict(found)
    read = [one.ok() for one in schema.get_all_operations()]
    assert len(read) == sum(len(item) for item in found["paths"].values())


@pytest.fixture(scope="module")
def language() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(whole("openapi").text)["x-query-language"]
    return found


@pytest.mark.parametrize(
    ("query", "fine"),
    [
        ("name contains 'x' and last_update > -1d", True),
        ("not (id <> 3) or connection_status = 'it''s'", True),
        ("location within [1, 2, 3, 4]", True),
        ("name == 'x'", False),
        ('name = "x"', False),
        ("name =", False),
    ],
)
def test_lark_reads_the_grammar(language: dict[str, Any], query: str, fine: bool) -> None:
    parser = lark.Lark(language["grammar"], parser="lalr")
    with contextlib.nullcontext() if fine else pytest.raises(lark.UnexpectedInput):
        parser.parse(query)


def test_the_language_says_what_types_and_operators_take(language: dict[str, Any]) -> None:
    assert language["types"]["Timestamp"] == ["timestamp", "relative"]
    assert language["operators"]["within"] == {"literals": ["area"], "empty": False}
    assert language["operators"]["="] == {"empty": True}
    assert {form for forms in language["types"].values() for form in forms} <= {*language["literals"], "timestamp"}
