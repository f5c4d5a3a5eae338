// The handle table: a tensor lives from the call that made it until its handle is released.
#pragma once

#include "prelude.h"

namespace thinkrl {

class Slots {
 public:
  int32_t put(at::Tensor tensor);
  const at::Tensor& at(int64_t handle) const;
  void release(int64_t handle);
  size_t live() const { return tensors_.size() - vacant_.size(); }

 private:
  std::vector<at::Tensor> tensors_;
  std::vector<int32_t> vacant_;
};

}  // namespace thinkrl
