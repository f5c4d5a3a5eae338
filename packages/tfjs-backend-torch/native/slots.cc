#include "slots.h"

namespace thinkrl {

int32_t Slots::put(at::Tensor tensor) {
  if (vacant_.empty()) {
    tensors_.push_back(std::move(tensor));
    return static_cast<int32_t>(tensors_.size() - 1);
  }
  const int32_t handle = vacant_.back();
  vacant_.pop_back();
  tensors_[handle] = std::move(tensor);
  return handle;
}

const at::Tensor& Slots::at(int64_t handle) const {
  TORCH_CHECK(
      handle >= 0 && handle < static_cast<int64_t>(tensors_.size()) && tensors_[handle].defined(),
      "the tensor was disposed");
  return tensors_[handle];
}

void Slots::release(int64_t handle) {
  if (handle < 0 || handle >= static_cast<int64_t>(tensors_.size()) || !tensors_[handle].defined()) return;
  tensors_[handle].reset();
  vacant_.push_back(static_cast<int32_t>(handle));
}

}  // namespace thinkrl
