#!/usr/bin/env bash
# Set up everything, then do the main job: simulate a world in four seasons, train networks, compare them, write a report.
# Takes about 10 minutes on 2 cores. Finished steps are not repeated, and an interrupted run continues.
# Arguments are passed to every training: scripts/quickstart.sh trainer.max_epochs=60
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
scene=${SCENE:-village_four_seasons} # a recipe of datasets/aerial/recipe
methods=${METHODS:-posenet null_hint hinted_embedding hinted_residual hinted_memory}

[ -d "simulated/aerial/$scene" ] || hinted-posenet simulate recipe="$scene"
finished=()
for method in $methods; do
    hinted-posenet train experiment=village_"$method" ${SCENE:+data.scene=$SCENE} resume=true threads="$(nproc)" "$@"
    finished+=("runs/aerial/$scene/$method/seed-0")
done
hinted-posenet compare "${finished[@]}" figure="runs/$scene.png"
hinted-posenet report "${finished[@]}" out="runs/$scene.html"
