#!/usr/bin/env bash
# All set-up, then the main job: simulate a world in four seasons, train the networks, compare them, write the report.
# About 10 minutes on 2 cores. Finished steps are not repeated; a killed run continues.
# Arguments go to every training: scripts/quickstart.sh trainer.max_epochs=60
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
scene=${SCENE:-village_four_seasons} # a recipe of datasets/aerial/recipe
runs=runs/aerial/$scene

[ -d "simulated/aerial/$scene" ] || hinted-posenet simulate recipe="$scene"
for method in posenet null_hint hinted_embedding hinted_residual hinted_memory; do
    words=(augmented_views=2)
    [ $method != hinted_memory ] || words+=(augmented_views=0) # it learns from pairs, of which there are enough
    hinted-posenet train data=aerial data.scene="$scene" method=$method "${words[@]}" \
        resume=true threads="$(nproc)" "$@"
done
finished=("$runs"/{posenet,null_hint,hinted_embedding,hinted_residual,hinted_memory}/seed-0)
hinted-posenet compare "${finished[@]}" --figure "runs/$scene.png"
hinted-posenet report "${finished[@]}" --output "runs/$scene.html"
