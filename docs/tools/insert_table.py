"""Put a generated table between the markers of a page: python docs/tools/insert_table.py TABLE PAGE MARKER."""

import sys
from pathlib import Path

from hinted_posenet.core.tables import insert_text

if __name__ == "__main__":
    table, page, marker = sys.argv[1:]
    insert_text(Path(page), marker, Path(table).read_text().rstrip())
