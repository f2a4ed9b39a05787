#!/usr/bin/env bash
# Set up everything, then run the fast tests. Arguments are passed to pytest: scripts/test.sh -m slow
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
# the report is tested in a browser; without one, those tests are skipped
if [ "$(id -u)" = 0 ] && ! command -v chromedriver >/dev/null; then
    { apt-get update -q && apt-get install -y --no-install-recommends chromium chromium-driver; } ||
        echo "no chromium: the report is not tested in a browser" >&2
fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} # one thread per test process
unset PYTHONDONTWRITEBYTECODE # else every process compiles the package and the tests anew
python -m pytest -n 2 --dist worksteal -q "$@"
