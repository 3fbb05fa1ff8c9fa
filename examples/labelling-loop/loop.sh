#!/usr/bin/env bash
# One round of active learning: predict, select, send, wait for people, fetch, train, predict.
#
#   ./loop.sh DATASET WEIGHTS RUN
#
# Run it again for the next round, with the weights that this one leaves in RUN/model.pt and
# another RUN: the ledger of the dataset knows what was selected, sent and labelled before. A round
# that was stopped goes on when it is started again.
set -euo pipefail

usage="usage: $0 DATASET WEIGHTS RUN"
data=${1:?$usage}                      # folder of images
weights=${2:?$usage}                   # the model as it is now
run=${3:?$usage}                       # folder for this round
here=$(cd "$(dirname "$0")" && pwd)
budget=${BUDGET:-100}                  # images that people can label in a round
project=${PROJECT:-$(basename "$data")}
epochs=${EPOCHS:-50}
imgsz=${IMGSZ:-640}
look=${LOOK:-60}                       # seconds between two looks at how far labelling is
task=det
labels=(--data "$data" --project "$project")   # the server: see docs/label-studio.md

predict() {
    selectlab predict "$data" --model "$1" --task "$task" --embed --imgsz "$imgsz" --overwrite --out "$data"
}

mkdir -p "$run"
if [ ! -e "$run/begun" ]; then
    predict "$weights"
    selectlab round start "$data"
    touch "$run/begun"
fi
if [ ! -e "$run/selection" ]; then
    selectlab select "${CONFIG:-$here/config.json}" --data "$data" -n "$budget" --out "$run/selection"
fi
selectlab round add "$run/selection" --data "$data"   # for the case that it was stopped in between

selectlab label-studio push "$run/selection" "${labels[@]}" --task "$task"
selectlab label-studio pull "${labels[@]}" --task "$task" --wait "$look"
selectlab round status "$data"

selectlab labels export "$data" --task "$task" --format yolo --set images=link --to "$run/labels" --overwrite
python3 "$here/train.py" "$run/labels/data.yaml" --weights "$weights" --to "$run/model.pt" \
    --epochs "$epochs" --imgsz "$imgsz"
predict "$run/model.pt"
echo "next round: $0 $data $run/model.pt ANOTHER_RUN"
