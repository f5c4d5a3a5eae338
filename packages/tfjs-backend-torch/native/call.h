// One call from JavaScript: arguments are read in order from the mailbox, results are written back into it.
#pragma once

#include "slots.h"

namespace thinkrl {

using Integers = c10::SmallVector<int64_t, 8>;

/** dtype codes of the mailbox: float32, int32, bool, complex64. */
enum DtypeCode { kFloatCode = 0, kIntCode = 1, kBoolCode = 2, kComplexCode = 3 };

at::ScalarType scalar_type(int64_t code);
int64_t dtype_code(const at::Tensor& tensor);

/** What one JavaScript environment owns. */
struct Instance {
  Slots slots;
  double* mailbox = nullptr;
  int32_t* released = nullptr;
  at::Device device = at::kCPU;

  /** Frees the handles that JavaScript disposed since the last call. */
  void drain();
};

constexpr int64_t kMailboxLength = 1 << 17;
constexpr int64_t kOutbox = 1 << 16;
constexpr int64_t kReleasedLength = 1 << 12;

class Call {
 public:
  explicit Call(Instance& instance) : instance_(instance), next_(instance.mailbox) {}

  const at::Tensor& tensor();
  at::Tensor maybe_tensor();
  std::vector<at::Tensor> tensors();
  Integers integers();
  int64_t integer() { return static_cast<int64_t>(*next_++); }
  double number() { return *next_++; }
  bool flag() { return *next_++ != 0; }
  at::ScalarType dtype() { return scalar_type(integer()); }
  at::TensorOptions options(at::ScalarType type) const { return at::device(instance_.device).dtype(type); }
  Instance& instance() { return instance_; }

  /** Adds a result. Index types become int32, double becomes float. */
  void give(at::Tensor result);
  /** Moves the results into slots and describes them in the outbox. */
  void finish();
  /** dtypes and shapes of the tensors read so far, for error messages. */
  std::string inputs() const;

 private:
  Instance& instance_;
  const double* next_;
  c10::SmallVector<int32_t, 8> read_;
  c10::SmallVector<at::Tensor, 4> results_;
};

struct Operation {
  const char* name;
  void (*run)(Call&);
};

using Operations = std::vector<Operation>;

void add_elementwise(Operations& operations);
void add_binary(Operations& operations);
void add_reductions(Operations& operations);
void add_shapes(Operations& operations);
void add_indexing(Operations& operations);
void add_linear_algebra(Operations& operations);
void add_attention(Operations& operations);
void add_blocks(Operations& operations);
void add_normalization(Operations& operations);
void add_losses(Operations& operations);
void add_optimizers(Operations& operations);
void add_random(Operations& operations);
void add_convolutions(Operations& operations);
void add_images(Operations& operations);

}  // namespace thinkrl
