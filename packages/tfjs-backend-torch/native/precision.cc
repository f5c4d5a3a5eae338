#include "precision.h"

#include <ATen/native/TypeProperties.h>

#include <string_view>
#include <unordered_map>

namespace thinkrl {

Precision precision_of(const char* operation) {
  constexpr Precision moves = Precision::kAsIs, native = Precision::kNative;
  static const std::unordered_map<std::string_view, Precision> table = {
      // views and copies
      {"alias", moves}, {"copy", moves}, {"reshape", moves}, {"permute", moves}, {"slice", moves},
      {"strided_slice", moves}, {"concat", moves}, {"stack", moves}, {"unstack", moves}, {"split", moves},
      {"tile", moves}, {"expand", moves}, {"flip", moves}, {"pad", moves}, {"mirror_pad", moves},
      {"band_part", moves}, {"diag", moves}, {"depth_to_space", moves}, {"GatherV2", moves}, {"gather_nd", moves},
      {"resize_nearest", moves}, {"embedding", moves}, {"zeros_like", moves}, {"ones_like", moves}, {"cast", moves},
      {"cast_storage", moves}, {"read_file", moves},
      // in place
      {"assign", moves}, {"cache_write", moves}, {"adamw", moves}, {"ema", moves}, {"global_norm", moves},
      {"clip_norm", moves},
      // between processes
      {"collective_gather", moves}, {"collective_scatter", moves}, {"collective_reduce", moves},
      {"collective_broadcast", moves}, {"collective_barrier", moves}, {"collective_land", moves},
      {"storage_release", moves}, {"storage_restore", moves}, {"storage_place", moves},
      // products
      {"matmul", native}, {"linear", native}, {"linear_input_grad", native}, {"linear_weight_grad", native},
      {"linear_bias_grad", native}, {"attention", native}, {"attention_grad", native}, {"block", native},
      {"block_grad", native}, {"conv", native}, {"conv_input_grad", native}, {"conv_filter_grad", native},
      {"convolution", native}, {"convolution_input_grad", native}, {"convolution_weight_grad", native},
      {"head_log_prob", native}, {"head_log_prob_grad", native},
      // float32 inside, over a part of the tensor at a time
      {"token_log_prob", native}, {"token_log_prob_grad", native}, {"rotary", native},
      // one libtorch kernel that rounds once, at its end
      {"add", native}, {"sub", native}, {"mul", native}, {"div", native}, {"maximum", native},
      {"minimum", native}, {"select", native}, {"neg", native}, {"abs", native}, {"exp", native}, {"log", native},
      {"sqrt", native}, {"rsqrt", native}, {"square", native}, {"reciprocal", native}, {"relu", native},
      {"sigmoid", native}, {"tanh", native}, {"gelu", native}, {"gelu_grad", native}, {"silu", native},
      {"silu_grad", native}, {"layer_norm", native}, {"layer_norm_grad", native}, {"group_norm", native}, {"group_norm_grad", native}, {"softmax", native},
      {"log_softmax", native}, {"sum", native}, {"mean", native}, {"max", native}, {"min", native},
  };
  const auto found = table.find(operation);
  return found == table.end() ? Precision::kWide : found->second;
}

at::ScalarType common_storage(const std::vector<at::Tensor>& inputs) {
  at::native::ResultTypeState state;
  for (const at::Tensor& input : inputs) state = at::native::update_result_type_state(input, state);
  return at::native::result_type(state);
}

}  // namespace thinkrl
