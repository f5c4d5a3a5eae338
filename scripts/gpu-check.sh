#!/usr/bin/env bash
# Checks the torch engine on a machine with a GPU, from a clean checkout and without a network: builds the addon, runs
# tfjs-core's suite, the engine's tests, the Qwen backbones' against their reference in float32 and bfloat16 and a micro
# training on the device, measures what sharding adds to a full-size training step in a world of one (NCCL), and measures
# kernels and the full-size models beside PyTorch.
#
#   scripts/gpu-check.sh [FOLDER]
#
# FOLDER is what scripts/gpu-carry.sh made elsewhere: a Node binary and the dependencies. Without it, Node is on the PATH
# and `npm run setup` has been run. Needed on the machine: a C++ compiler, and a python3 whose torch sees the GPU.
#
#   THINKRL_DEVICE   the device, cuda:0 unless given; with `cpu` everything runs at tiny sizes and no bar is held
#   PYTHON           the python3 with torch
#   STEPS            only the steps whose title matches this pattern, after the build: `STEPS=Qwen`, `STEPS='beside PyTorch'`
#
# Ends with one line per step and with status 0 when all of them passed.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
carried=${1:-}
python=${PYTHON:-python3}
export THINKRL_DEVICE=${THINKRL_DEVICE:-cuda:0}
work=$(mktemp -d "${TMPDIR:-/tmp}/gpu-check.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$root" || exit 2

fail() {
  echo "gpu-check: $1" >&2
  exit 2
}

# Python is there, xz may not be.
unpack() {
  "$python" -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$carried/$1"
}

if [ -n "$carried" ]; then
  carried=$(cd "$carried" && pwd) || fail "there is no folder ${1}"
  mkdir "$work/bin"
  unpack node.xz > "$work/bin/node" || fail "$carried has no node.xz: make it with scripts/gpu-carry.sh"
  chmod +x "$work/bin/node"
  export PATH="$work/bin:$PATH"
  if [ ! -d node_modules/.pnpm ]; then
    unpack node_modules.tar.xz | tar -x || fail "the dependencies in $carried do not unpack"
  fi
fi
command -v node >/dev/null || fail "no node on the PATH: give the folder that scripts/gpu-carry.sh made"
[ -d node_modules/.pnpm ] || fail "no dependencies: run npm run setup, or give the folder that scripts/gpu-carry.sh made"

# The addon is built anew in a folder of its own, against the torch of $python.
export LIBTORCH
LIBTORCH=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))') || fail "$python has no torch: set PYTHON"
export BENCH_PYTHON=$python
export THINKRL_TORCH_ADDON=$work/build/thinkrl_torch.node

engine=packages/tfjs-backend-torch
from_source=(node --import tsx --conditions=@thinkrl/source)
vitest=(node node_modules/vitest/vitest.mjs run --reporter=dot)
if [ "$THINKRL_DEVICE" = cpu ]; then
  suite=() sizes=(--tiny) iterations=1
else
  suite=(--engine cuda) sizes=() iterations=20
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true
fi

# The command line from its source: no build of the packages is needed.
thinkrl() {
  "${from_source[@]}" --input-type=module --eval \
    "const { main } = await import('./packages/cli/src/index.ts'); process.exitCode = await main(process.argv.slice(1))" \
    -- "$@"
}

results=()
status=0
wanted=
step() {
  local title=$1 start=$SECONDS outcome=passed
  shift
  [[ $title =~ $wanted ]] || return 0
  echo "== $title"
  if ! "$@"; then
    outcome=FAILED
    status=1
  fi
  results+=("$(printf '%-44s %-7s %5d s' "$title" "$outcome" $((SECONDS - start)))")
}

step 'addon built from a clean folder' node $engine/build.mjs
[ $status -eq 0 ] || fail "the addon was not built; see above"
wanted=${STEPS:-}
step 'thinkrl doctor' thinkrl doctor
step 'tfjs-core suite' node $engine/conformance/run.mjs ${suite[@]+"${suite[@]}"}
step 'tfjs-core suite, asynchronous reads' node $engine/conformance/run.mjs --async ${suite[@]+"${suite[@]}"}
step 'tests of the engine and its fused kernels' "${vitest[@]}" $engine/test
# Networks written as ONNX have nothing to do with the device, and what runs them is not carried.
step 'tests of nn on the device' "${vitest[@]}" packages/nn/test --exclude '**/module-graph.test.ts'
step 'Qwen backbones against their reference' "${vitest[@]}" packages/backbones/test/qwen-
step "micro training, $iterations iterations" thinkrl train --engine.name torch --engine.device "$THINKRL_DEVICE" \
  --iterations "$iterations" --evaluation.tasks 8 --out "$work/run"
step 'kernels beside PyTorch' "${from_source[@]}" bench/gpu-kernels.ts ${sizes[@]+"${sizes[@]}"}
step 'full-size Qwen training step, sharded over one' "${from_source[@]}" bench/gpu-sharded.ts ${sizes[@]+"${sizes[@]}"}
step 'full-size models beside PyTorch' "${from_source[@]}" bench/gpu.ts ${sizes[@]+"${sizes[@]}"}

echo "== $(uname -m), node $(node --version), $("$python" -c 'import torch; print("torch", torch.__version__)'), $THINKRL_DEVICE"
printf '%s\n' "${results[@]}"
exit $status
