#!/usr/bin/env bash
# One round of active learning: predict, select, send, wait for people, fetch, train, predict.
#
#   ./loop.sh DATASET WEIGHTS RUN
#
# Run it again for the next round, with the weights that this one leaves in RUN/model.pt and
# another RUN: the ledger of the dataset knows what was selected, sent and labelled before. A round
# that was stopped goes on when it is started again.
set -euo pipefail

data=$1                                # folder of images
weights=$2                             # the model as it is now
run=$3                                 # folder for this round
here=$(cd "$(dirname "$0")" && pwd)
budget=${BUDGET:-100}                  # images that people can label in a round
project=${PROJECT:-$(basename "$data")}
epochs=${EPOCHS:-50}
imgsz=${IMGSZ:-640}
look=${LOOK:-60}                       # seconds between two looks at how far labelling is
task=det
labels=(--data "$data" --project "$project")   # the server: SELECTLAB_LABEL_STUDIO_URL and _TOKEN

progress() {                           # tasks that are open
    selectlab label-studio status "${labels[@]}" --json |
        python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["sent"] - s["annotated"] - s["skipped"])'
}

predict() {
    selectlab predict "$data" --model "$1" --task "$task" --embed --imgsz "$imgsz" --overwrite --out "$data"
}

mkdir -p "$run"
if [ ! -e "$run/selection" ]; then
    predict "$weights"
    selectlab round start "$data" --name "$(basename "$run")"
    selectlab select "${CONFIG:-$here/config.json}" --data "$data" -n "$budget" --out "$run/selection"
fi

selectlab label-studio push "$run/selection" "${labels[@]}" --task "$task"
until open=$(progress) && [ "$open" -eq 0 ]; do
    echo "$open tasks are open; label them at $SELECTLAB_LABEL_STUDIO_URL"
    sleep "$look"
done
selectlab label-studio pull "${labels[@]}" --task "$task"
selectlab round status "$data"

selectlab labels export "$data" --task "$task" --format yolo --set images=link --to "$run/labels" --overwrite
python3 "$here/train.py" "$run/labels/data.yaml" --weights "$weights" --to "$run/model.pt" \
    --epochs "$epochs" --imgsz "$imgsz"
predict "$run/model.pt"
echo "next round: $0 $data $run/model.pt ANOTHER_RUN"
