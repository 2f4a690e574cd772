"""`quanzu admin documents`: writes the generated reference documentation."""

from pathlib import Path
from typing import Annotated

import typer

from console.commands.common import out


def documents(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where all generated files are written")] = Path(
        "docs/reference"
    ),
) -> None:
    """Write the reference: schemas, AsyncAPI, OpenAPI and the pages made from code."""
    from console.reference.files import files

    made = files(typer.Context(context.find_root().command, info_name="quanzu"))
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    out.print(f"{len(made)} files in {folder}", markup=False, highlight=False)
