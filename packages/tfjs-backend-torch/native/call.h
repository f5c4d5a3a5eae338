// One call from JavaScript: arguments are read in order from the mailbox, results are written back into it.
#pragma once

#include <forward_list>

#include "precision.h"
#include "slots.h"

namespace thinkrl {

using Integers = c10::SmallVector<int64_t, 8>;

/** dtype codes of the mailbox; tfjs calls the last two float32 as well. */
enum DtypeCode { kFloatCode = 0, kIntCode = 1, kBoolCode = 2, kComplexCode = 3, kBFloat16Code = 4, kHalfCode = 5 };

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

struct Operation;

class Call {
 public:
  explicit Call(Instance& instance) : instance_(instance), next_(instance.mailbox) {}

  /** Runs an operation under the rules of precision.h and describes its results in the outbox. */
  void run(const Operation& operation);

  /** The next tensor, in the storage that the operation computes in. */
  const at::Tensor& tensor();
  at::Tensor maybe_tensor();
  std::vector<at::Tensor> tensors();
  /** The next tensor as it is stored; it has no say in the storage of the results. */
  const at::Tensor& statistic();
  at::Tensor maybe_statistic();
  Integers integers();
  int64_t integer() { return static_cast<int64_t>(*next_++); }
  double number() { return *next_++; }
  bool flag() { return *next_++ != 0; }
  at::ScalarType dtype() { return scalar_type(integer()); }
  at::TensorOptions options(at::ScalarType type) const { return at::device(instance_.device).dtype(type); }
  Instance& instance() { return instance_; }

  /** Adds a result in the operation's storage. Index types become int32, double becomes float. */
  void give(at::Tensor result);
  /** Adds a result that keeps its type. */
  void give_statistic(at::Tensor result);
  /** Says that an input of this operation was changed in place, which a widened copy must pass on to the input itself. */
  void changed(const at::Tensor& input);
  /** Moves the results into slots and describes them in the outbox. */
  void finish();
  /** dtypes and shapes of the tensors read so far, for error messages. */
  std::string inputs() const;

 private:
  /** A half input and what the operation sees instead. */
  struct Widened {
    at::Tensor own, wide;
  };
  struct Result {
    at::Tensor value;
    bool follows;
  };

  const at::Tensor& next_tensor();
  const at::Tensor& seen(const at::Tensor& input);
  void restart();
  at::Tensor stored(const at::Tensor& result, at::ScalarType storage) const;

  Instance& instance_;
  const double* next_;
  Precision precision_ = Precision::kAsIs;
  bool native_ = false, half_ = false;
  at::ScalarType met_ = at::ScalarType::Undefined;
  c10::SmallVector<int32_t, 8> read_;
  c10::SmallVector<int32_t, 8> deciding_;
  std::forward_list<Widened> widened_;
  c10::SmallVector<Result, 4> results_;
};

struct Operation {
  const char* name;
  void (*run)(Call&);
  Precision precision = Precision::kWide;
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
void add_collectives(Operations& operations);
void add_files(Operations& operations);

}  // namespace thinkrl
