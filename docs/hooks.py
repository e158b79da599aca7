"""What MkDocs asks while it builds the site: the API's document, from the API; the commands, from typer."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer import Context
from typer.cli import get_docs_for_click
from typer.main import get_command

from backend.app import create_app
from backend.description import with_experiments
from backend.queue import Bell
from backend.settings import Settings
from backend.store import Lease, Store
from mgic import describe
from mgic.cli import app


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `reference/openapi.json`, of an application that is put together and never started."""
    with TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), database_url=f"sqlite:///{folder}/none.db")
        store = Store.open(settings.database, Lease(settings.lease_s, settings.max_attempts))
        document = with_experiments(
            create_app(settings, store, Bell(settings.broker_url)).openapi(), describe.experiments()
        )
        store.close()
    files.append(File.generated(config, "reference/openapi.json", content=json.dumps(document)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Put typer's own description of the commands where the page of commands wants it."""
    if page.file.src_uri != "reference/commands.md":
        return markdown
    command = get_command(app)
    return markdown.replace("COMMANDS", get_docs_for_click(obj=command, ctx=Context(command), name="mgic", indent=1))
