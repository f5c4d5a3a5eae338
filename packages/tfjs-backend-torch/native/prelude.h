// Everything the families share; precompiled once by the build.
#ifndef THINKRL_PRELUDE_H
#define THINKRL_PRELUDE_H

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#endif
