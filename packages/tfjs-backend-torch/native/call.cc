#include "call.h"

#include <sstream>

namespace thinkrl {

at::ScalarType scalar_type(int64_t code) {
  switch (code) {
    case kFloatCode: return at::kFloat;
    case kIntCode: return at::kInt;
    case kBoolCode: return at::kBool;
    case kComplexCode: return at::kComplexFloat;
    case kBFloat16Code: return at::kBFloat16;
    case kHalfCode: return at::kHalf;
    default: TORCH_CHECK(false, "unknown dtype code ", code);
  }
}

int64_t dtype_code(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kInt: return kIntCode;
    case at::kBool: return kBoolCode;
    case at::kComplexFloat: return kComplexCode;
    case at::kBFloat16: return kBFloat16Code;
    case at::kHalf: return kHalfCode;
    default: return kFloatCode;
  }
}

static const char* dtype_name(const at::Tensor& tensor) {
  static const char* const names[] = {"float32", "int32", "bool", "complex64", "bfloat16", "float16"};
  return names[dtype_code(tensor)];
}

void Instance::drain() {
  const int32_t count = released[0];
  for (int32_t i = 1; i <= count; ++i) slots.release(released[i]);
  released[0] = 0;
}

namespace {

/** Two storages met in an operation that had begun to read them as they are. */
struct MixedStorage {};

}  // namespace

void Call::run(const Operation& operation) {
  precision_ = operation.precision;
  native_ = precision_ == Precision::kNative && !instance_.device.is_cpu();
  try {
    operation.run(*this);
  } catch (const MixedStorage&) {
    restart();
    operation.run(*this);
  }
  finish();
}

void Call::restart() {
  native_ = half_ = false;
  next_ = instance_.mailbox;
  read_.clear();
  deciding_.clear();
  results_.clear();
}

const at::Tensor& Call::next_tensor() {
  const int64_t handle = integer();
  read_.push_back(static_cast<int32_t>(handle));
  return instance_.slots.at(handle);
}

const at::Tensor& Call::tensor() {
  const at::Tensor& input = next_tensor();
  if (precision_ == Precision::kAsIs) return input;
  deciding_.push_back(read_.back());
  return seen(input);
}

/** What the operation sees of an input: a half is widened, unless it is computed with as it is. */
const at::Tensor& Call::seen(const at::Tensor& input) {
  const bool half = is_half(input);
  if (native_ && (half || (input.scalar_type() == at::kFloat && input.dim() > 0))) {
    if (met_ != at::ScalarType::Undefined && met_ != input.scalar_type()) throw MixedStorage();
    met_ = input.scalar_type();
  }
  half_ = half_ || half;
  if (!half || native_) return input;
  widened_.push_front({input, input.to(at::kFloat)});
  return widened_.front().wide;
}

const at::Tensor& Call::statistic() { return next_tensor(); }

at::Tensor Call::maybe_statistic() {
  if (*next_ >= 0) return statistic();
  ++next_;
  return {};
}

at::Tensor Call::maybe_tensor() {
  if (*next_ >= 0) return tensor();
  ++next_;
  return {};
}

std::vector<at::Tensor> Call::tensors() {
  const int64_t count = integer();
  std::vector<at::Tensor> list;
  list.reserve(count);
  for (int64_t i = 0; i < count; ++i) list.push_back(tensor());
  return list;
}

Integers Call::integers() {
  const int64_t count = integer();
  Integers list(count);
  for (int64_t i = 0; i < count; ++i) list[i] = integer();
  return list;
}

void Call::give(at::Tensor result) {
  give_statistic(std::move(result));
  results_.back().follows = true;
}

void Call::give_statistic(at::Tensor result) {
  switch (result.scalar_type()) {
    case at::kLong:
    case at::kByte:
    case at::kShort: result = result.to(at::kInt); break;
    case at::kDouble: result = result.to(at::kFloat); break;
    case at::kComplexDouble: result = result.to(at::kComplexFloat); break;
    default: break;
  }
  results_.push_back({std::move(result), false});
}

void Call::changed(const at::Tensor& input) {
  for (const Widened& entry : widened_) {
    if (entry.wide.is_same(input)) entry.own.copy_(entry.wide);
  }
}

/** A result in the operation's storage; an input that is given back is that input, not a copy narrowed again. */
at::Tensor Call::stored(const at::Tensor& result, at::ScalarType storage) const {
  if (!at::isFloatingType(result.scalar_type())) return result;
  for (const Widened& entry : widened_) {
    const bool same = entry.wide.is_alias_of(result) && entry.wide.sizes() == result.sizes() &&
        entry.wide.strides() == result.strides();
    if (same) return entry.own.alias();
  }
  return result.to(storage);
}

void Call::finish() {
  int64_t length = 1;
  for (const auto& result : results_) length += 3 + result.value.dim();
  TORCH_CHECK(kOutbox + length <= kMailboxLength, "too many results for one call");
  if (half_) {
    std::vector<at::Tensor> inputs;
    for (const int32_t handle : deciding_) inputs.push_back(instance_.slots.at(handle));
    const at::ScalarType storage = common_storage(inputs);
    for (auto& result : results_) {
      if (result.follows) result.value = stored(result.value, storage);
    }
  }
  double* out = instance_.mailbox + kOutbox;
  *out++ = static_cast<double>(results_.size());
  for (auto& [result, follows] : results_) {
    const int64_t code = dtype_code(result);
    const auto sizes = result.sizes();
    double* const handle = out++;
    *out++ = static_cast<double>(code);
    *out++ = static_cast<double>(sizes.size());
    for (const int64_t size : sizes) *out++ = static_cast<double>(size);
    *handle = instance_.slots.put(std::move(result));
  }
}

std::string Call::inputs() const {
  std::ostringstream text;
  const char* separator = "";
  for (const int32_t handle : read_) {
    text << separator;
    separator = ", ";
    try {
      const at::Tensor& tensor = instance_.slots.at(handle);
      text << dtype_name(tensor) << " [";
      const char* comma = "";
      for (const int64_t size : tensor.sizes()) {
        text << comma << size;
        comma = ",";
      }
      text << "]";
    } catch (...) {
      text << "disposed tensor";
    }
  }
  return text.str();
}

}  // namespace thinkrl
