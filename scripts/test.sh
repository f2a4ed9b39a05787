#!/usr/bin/env bash
# All set-up, then the fast tests. Arguments go to pytest: scripts/test.sh -m slow
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} # one thread per test process
python -m pytest -n 2 --dist loadfile -q "$@"
