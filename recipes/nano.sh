#!/usr/bin/env bash
# The whole road on a laptop: images -> records -> questions -> dataset -> two stages of training -> scores.
#   recipes/nano.sh images=DIR     (DIR: a folder with manifest.json, see docs/sources.md)
# A step whose folder is finished is not done again; a step that was killed goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
images=../shared/data/medimages
for argument in "$@"; do
  case "$argument" in
    images=*) images=${argument#images=} ;;
    *) echo "error: '$argument' is not known; use images=DIR" >&2; exit 2 ;;
  esac
done
export PATH="$PWD/.venv/bin:$PATH"
images=$(python3 -c 'import pathlib, sys; print(pathlib.Path(sys.argv[1]))' "$images") # as the manifest writes it
made=runs/nano/sources/manifest.json
if [ -f "$made" ] && ! grep -qF "\"path\": \"$images\"" "$made"; then
  echo "error: runs/nano/sources was made of other images than $images; move runs/nano away" >&2
  exit 2
fi
step() { # step ROOM RECIPE FOLDER [key=value ...]
  if [ -f "$3/manifest.json" ]; then echo "$3 is finished"; else bimedix2 "$1" "$2" "${@:4}"; fi
}
step sources recipes/sources/nano.yaml runs/nano/sources "parts.0.path=$images"
step curate recipes/curate/nano.yaml runs/nano/curate
step dataset recipes/dataset/nano.yaml runs/nano/dataset
step train recipes/train/nano-align.yaml runs/nano/align
step train recipes/train/nano-instruct.yaml runs/nano/instruct
step evaluate recipes/evaluate/nano.yaml runs/nano/scores
