#!/usr/bin/env bash
# One scene of the study of hints: study_scene.sh SCENE "SEEDS" [words of hinted-posenet study]
# METHODS are those of configs/method; OVERRIDES go to every training.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data}
scene=$1 seeds=$2 methods=$METHODS

# 50 frames for validation: chosen by them among single epochs, networks differed more by luck than by method
words=(data=seven_scenes averaged_steps=100) sensors_m="0.05 0.2 0.5"
if [ "$scene" != redkitchen ]; then
    words=(data=aerial augmented_views=2 trainer.max_epochs=20) sensors_m="5 50 500"
    # it learns from pairs of images, of which there are enough: augmented versions only take time
    methods=${methods/hinted_memory/hinted_memory,augmented_views=0}
fi
hinted-posenet study "${words[@]}" data.scene="$scene" threads=1 $OVERRIDES --methods $methods --seeds $seeds \
    --sensors-m $sensors_m "${@:3}"
