# Sourced by the other scripts: a .venv with the package in it, and the system libraries. Fast when all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=() libraries=$(/sbin/ldconfig -p)
for entry in libusb-1.0.so.0:libusb-1.0-0 libGL.so.1:libgl1 libgomp.so.1:libgomp1; do # what open3d links to
    [[ $libraries == *"${entry%%:*} "* ]] || missing+=("${entry#*:}")
done
python=""
for candidate in python3.13 python3.12 python3.11 python3; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
        python=$candidate && break
    fi
done
[ -n "$python" ] || { echo "error: Python 3.11, 3.12 or 3.13 is needed; install one and run again" >&2; exit 1; }
"$python" -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
    install="apt-get install -y --no-install-recommends ${missing[*]}"
    [ "$(id -u)" = 0 ] || { echo "error: system libraries are missing; run: sudo $install" >&2; exit 1; }
    apt-get update -q && $install
fi

stamp=.venv/installed-$(cat pyproject.toml constraints.txt | sha256sum | cut -c1-16)
if [ ! -e "$stamp" ]; then
    echo "Installing into .venv (once; several gigabytes with a CUDA build of torch) ..."
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --upgrade pip
    .venv/bin/python -m pip install --quiet --progress-bar on -c constraints.txt -e ".[dev]"
    touch "$stamp"
fi
export PATH="$PWD/.venv/bin:$PATH"

fewer_views() { # recipe: with VIEWS, words that make all of its flights that short
    [ -z "${VIEWS:-}" ] ||
        sed -nE "s/^  (train|val|test[a-z_]*):( #.*)?$/flights.\1.images=$VIEWS/p" "configs/recipe/$1.yaml"
}
