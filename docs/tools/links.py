"""MkDocs hook that makes links work both on GitHub and in the site.

Links are written for GitHub, from file to file of the repository. The site has docs/ at its top, with the pages of
`OUTSIDE` beside it. A link to a file that the site does not have becomes plain text there.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
CARDS = sorted(ROOT.glob("datasets/*/README.md"))
# page of the repository -> its place in the site
OUTSIDE = {
    "README.md": "readme.md",  # README.md would be the home page, which is docs/index.md
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    **{card.relative_to(ROOT).as_posix(): card.relative_to(ROOT).as_posix() for card in CARDS},
}
TEXT = r"(?:!\[[^\]]*\]\([^)]*\)|[^\]])*"  # of a link; may hold an image
PATH = r"(?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)]*)?"
LINK = re.compile(rf"(?P<image>!?)\[(?P<text>{TEXT})\]\({PATH}\)")


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages outside of docs/."""
    for source, place in OUTSIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the links of a page to where the site has their targets."""
    place = page.file.src_uri
    here = {place: source for source, place in OUTSIDE.items()}.get(place, f"docs/{place}")

    def in_site(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), link["path"]))
        text = LINK.sub(in_site, link["text"])
        there = OUTSIDE.get(target, target.removeprefix("docs/"))
        file = files.get_file_from_path(there)
        if (file is None or file.inclusion.is_excluded()) and (ROOT / target).exists():
            return text
        path = posixpath.relpath(there, posixpath.dirname(place) or ".")
        return f"{link['image']}[{text}]({path}{link['anchor'] or ''})"

    return LINK.sub(in_site, markdown)
