"""Draw the README's flow as docs/flow.svg, for the site: `python -m tests.documents.draw`. Needs npm and Chromium.

GitHub draws Mermaid by itself; a site that loads nothing from outside cannot, and Mermaid's 3 MB are too much to keep.
"""

import asyncio
import subprocess
import tarfile
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from docs.hooks import FENCE, mark

ROOT = Path(__file__).parents[2]
PACKAGE = "mermaid@11"
RENDER = """async (text) => {
  mermaid.initialize({startOnLoad: false, theme: "neutral", htmlLabels: false, flowchart: {htmlLabels: false}});
  return (await mermaid.render("flow", text)).svg;
}"""


async def draw(text: str, script: Path) -> str:
    """The diagram as SVG, by Mermaid in a browser."""
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = await browser.new_page()
        await page.add_script_tag(path=script)
        drawn: str = await page.evaluate(RENDER, text.replace("flowchart LR", "flowchart TD"))  # a page is narrow
        await browser.close()
        return drawn


def main() -> None:
    """Write the picture, with the mark of the text that it shows."""
    found = FENCE.search((ROOT / "README.md").read_text("utf-8"))
    if found is None:
        raise SystemExit("README.md has no Mermaid diagram")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extract("package/dist/mermaid.min.js", folder, filter="data")
        svg = asyncio.run(draw(found["text"], Path(folder) / "package/dist/mermaid.min.js"))
    (ROOT / "docs/flow.svg").write_text(f"{mark(found['text'])}\n{svg}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
