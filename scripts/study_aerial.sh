#!/usr/bin/env bash
# docs/aerial.md: what a hint gains as the area grows, over the months of the year, and by altitude. Generated worlds;
# NAIP too, where scripts/table_naip.sh has run. A scene to a core; finished steps are not repeated.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export SEEDS=${SEEDS:-0 1 2} HINTED=${HINTED:-hinted_embedding hinted_residual} OVERRIDES="$*"

study_scene() { # scene, recipe, epochs, overrides of the recipe
    local scene=$1 recipe=$2 epochs=$3 seed method run hint
    [ -d "simulated/aerial/$scene" ] || hinted-posenet simulate recipe="$recipe" scene="$scene" threads=1 "${@:4}"
    local common=(data=aerial data.scene="$scene" augmented_views=2 threads=1 resume=true)
    common+=(trainer.max_epochs="$epochs" +trainer.check_val_every_n_epoch=$(((epochs + 29) / 30)))
    for seed in $SEEDS; do for method in posenet null_hint $HINTED; do
        run=runs/aerial/$scene/$method/seed-$seed
        hinted-posenet train "${common[@]}" method="$method" seed="$seed" $OVERRIDES
        [[ " $HINTED " = *" $method "* ]] || continue
        # the last is a simulated GPS and compass: made from the labels, so its rows are stamped ORACLE
        for hint in none retrieval "oracle start_hint.sigma_t_m=50 start_hint.sigma_r_deg=10"; do
            [ -e "$run/from-${hint%% *}/results.json" ] || hinted-posenet evaluate checkpoint="$run" threads=1 \
                output="$run/from-${hint%% *}" start_hint=$hint
        done
    done; done
}
export -f study_scene
# the density is about 150 views a square kilometre; epochs are for as many steps as with 1,200 views
grep -E "${SCENES:-.}" <<'ALL' | xargs -P "${JOBS:-$(nproc)}" -L 1 bash -euc 'study_scene "$@"' _
study_area_64km2 study_area 30 world.size_m=8400
study_area_16km2 study_area 30 world.size_m=4400
study_area_4km2 study_area 30
study_area_1km2 study_area 30 world.size_m=1400
study_area_0.25km2 study_area 30 world.size_m=900
study_density_16km2 study_area 15 world.size_m=4400 flights.train.images=800
study_density_4km2 study_area 60 flights.train.images=200
study_density_1km2 study_area 210 world.size_m=1400 flights.train.images=50
study_density_0.25km2 study_area 860 world.size_m=900 flights.train.images=13
study_months study_months 30
study_altitude study_altitude 30
ALL
runs() { ls runs/aerial/$1/{posenet,null_hint}/seed-?/results.json runs/aerial/$1/*/seed-?/from-*/results.json 2>/dev/null || true; }
hinted-posenet growth --area $(runs "study_area_*") --density $(runs "study_density_*") --altitude $(runs study_altitude) \
    --months $(runs study_months) $(ls runs/aerial/naip/*/seed-?/{,from-gps/}results.json 2>/dev/null || true) \
    --insert docs/aerial.md --figure docs/images/aerial.jpg
