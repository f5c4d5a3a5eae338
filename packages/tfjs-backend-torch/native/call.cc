#include "call.h"

#include <sstream>

namespace thinkrl {

at::ScalarType scalar_type(int64_t code) {
  switch (code) {
    case kFloatCode: return at::kFloat;
    case kIntCode: return at::kInt;
    case kBoolCode: return at::kBool;
    case kComplexCode: return at::kComplexFloat;
    default: TORCH_CHECK(false, "unknown dtype code ", code);
  }
}

int64_t dtype_code(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kInt: return kIntCode;
    case at::kBool: return kBoolCode;
    case at::kComplexFloat: return kComplexCode;
    default: return kFloatCode;
  }
}

static const char* dtype_name(const at::Tensor& tensor) {
  static const char* const names[] = {"float32", "int32", "bool", "complex64"};
  return names[dtype_code(tensor)];
}

void Instance::drain() {
  const int32_t count = released[0];
  for (int32_t i = 1; i <= count; ++i) slots.release(released[i]);
  released[0] = 0;
}

const at::Tensor& Call::tensor() {
  const int64_t handle = integer();
  read_.push_back(static_cast<int32_t>(handle));
  return instance_.slots.at(handle);
}

at::Tensor Call::maybe_tensor() {
  if (*next_ < 0) {
    ++next_;
    return {};
  }
  return tensor();
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
  switch (result.scalar_type()) {
    case at::kLong:
    case at::kByte:
    case at::kShort: result = result.to(at::kInt); break;
    case at::kDouble: result = result.to(at::kFloat); break;
    case at::kComplexDouble: result = result.to(at::kComplexFloat); break;
    default: break;
  }
  results_.push_back(std::move(result));
}

void Call::finish() {
  int64_t length = 1;
  for (const auto& result : results_) length += 3 + result.dim();
  TORCH_CHECK(kOutbox + length <= kMailboxLength, "too many results for one call");
  double* out = instance_.mailbox + kOutbox;
  *out++ = static_cast<double>(results_.size());
  for (auto& result : results_) {
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
