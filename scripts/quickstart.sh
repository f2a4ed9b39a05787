#!/usr/bin/env bash
# All set-up, then the main job: simulate a world in four seasons, train the networks, compare them.
# Under 10 minutes on 2 cores. Finished steps are not repeated; a killed run continues.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
threads=$(nproc)
common=(data=aerial data.scene=quickstart experiment=quickstart resume=true threads="$threads")

[ -d simulated/aerial/quickstart ] || hinted-posenet simulate recipe=quickstart
for method in posenet null_hint hinted_embedding hinted_residual; do
    hinted-posenet train "${common[@]}" method="$method" "$@"
done
hinted-posenet compare runs/aerial/quickstart/{posenet,null_hint,hinted_embedding,hinted_residual}/seed-0 \
    --figure runs/quickstart.png
