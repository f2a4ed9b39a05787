#!/usr/bin/env bash
# docs/simulator.md's table of live views: NAIP, trained on files and on views rendered live, with as many optimiser steps of
# the same network, and tested on the same files. 600 views a date are one epoch live, a third of one from files
# (augmented_views=2), so live takes three epochs for each of the files'. A live run takes 8 minutes of 1 core, a run from files 1.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data}
epochs=${EPOCHS:-3}
times=${TIMES:-3} # epochs live for one from files
common=(batch_size=32 backbone.stage=-1 loss.balance=0 resume=true threads=1)
runs=runs/aerial/naip

[ -d simulated/aerial/naip ] || hinted-posenet simulate recipe=naip
for seed in ${SEEDS:-0 1 2}; do
    for method in ${METHODS:-null_hint hinted_residual}; do
        hinted-posenet train data=aerial data.scene=naip augmented_views=2 method=$method name=${method}_files \
            seed=$seed trainer.max_epochs=$epochs "${common[@]}" "$@"
        hinted-posenet train data=aerial_live recipe=naip method=$method name=${method}_live \
            seed=$seed trainer.max_epochs=$((times * epochs)) +trainer.check_val_every_n_epoch=$times "${common[@]}" "$@"
    done
done
hinted-posenet compare $runs/*_{files,live}/seed-? \
    --groups "dates seen in training" "unseen dates" --insert docs/simulator.md live
