#!/usr/bin/env bash
# One scene of the study of hints: study_scene.sh SCENE "SEEDS" [words of hinted-posenet study]
# METHODS are those of configs/experiment/SCENE_METHOD.yaml; OVERRIDES are passed to every training.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data}

list() { # words as one value of the command line
    local IFS=,
    echo "[$*]"
}
sensors_m=(5 50 500)
[ "$1" != redkitchen ] || sensors_m=(0.05 0.2 0.5)
hinted-posenet study experiment="$1" "methods=$(list $METHODS)" "seeds=$(list $2)" \
    "sensors_m=$(list "${sensors_m[@]}")" threads=1 $OVERRIDES "${@:3}"
