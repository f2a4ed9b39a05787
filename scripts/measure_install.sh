#!/usr/bin/env bash
# Measure an installation in a new environment: seconds, megabytes, and the ten largest packages. The environment is deleted
# afterwards. Arguments are passed to pip: scripts/measure_install.sh --index-url URL, for another build of torch.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python -m venv "$folder/venv"
SECONDS=0
"$folder/venv/bin/python" -m pip install --quiet --no-cache-dir --no-compile "$@" .
echo "seconds: $SECONDS (downloads and all)"
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import distributions

sizes = {}
for package in distributions():
    paths = [file.locate() for file in package.files or []]
    sizes[package.name] = sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
print(f"{len(sizes)} packages, {sum(sizes.values()):,.0f} MB; the largest:")
for name in sorted(sizes, key=sizes.get, reverse=True)[:10]:
    print(f"{sizes[name]:8,.0f} MB  {name}")
PYTHON
