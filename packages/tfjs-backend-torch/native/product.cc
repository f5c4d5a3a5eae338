#include "product.h"

namespace thinkrl {
namespace {

void part_into(at::Tensor& out, const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  if (bias.defined()) {
    at::addmm_out(out, bias, a, b);
  } else {
    at::mm_out(out, a, b);
  }
}

/** How many threads share `length` rows or columns, in multiples of 8, given the work in all. */
int64_t sharers(int64_t work, int64_t length) {
  if (at::in_parallel_region()) return 1;
  return std::max<int64_t>(1, std::min({static_cast<int64_t>(at::get_num_threads()), work / kWorthAThread, length / 8}));
}

/** Rows from which on laying a weight out costs less than it saves. */
constexpr int64_t kRowsWorthPacking = 512;

/** Plain floats whose rows have no gaps, or nothing. */
bool plain_rows(const at::Tensor& x) { return !x.defined() || (plain_floats(x) && x.stride(-1) == 1); }

/** out = start + bias, or zero where there is neither; true if there is something. */
bool fill_rows(const at::Tensor& out, const at::Tensor& start, const at::Tensor& bias) {
  if (!start.defined() && !bias.defined()) return false;
  const int64_t width = out.size(1);
  const float* add = bias.defined() ? bias.data_ptr<float>() : nullptr;
  for (int64_t i = 0; i < out.size(0); ++i) {
    float* to = out.data_ptr<float>() + i * out.stride(0);
    const float* from = start.defined() ? start.data_ptr<float>() + i * start.stride(0) : add;
    if (from == add || add == nullptr) {
      std::copy(from, from + width, to);
    } else {
      for (int64_t j = 0; j < width; ++j) to[j] = from[j] + add[j];
    }
  }
  return true;
}

}  // namespace

Weight::Weight(const at::Tensor& weight, int64_t tokens, bool across) : matrix_(across ? weight : weight.t()) {
  const bool floats = weight.is_cpu() && weight.scalar_type() == at::kFloat;
  is_packed_ = kWideTiles && floats && tokens >= kRowsWorthPacking;
  if (!is_packed_) return;
  packed_.pack({matrix_.data_ptr<float>(), matrix_.stride(0), matrix_.stride(1)}, matrix_.size(0), matrix_.size(1));
}

void Weight::times(at::Tensor out, const at::Tensor& x, const at::Tensor& start, const at::Tensor& bias) const {
  const bool plain = plain_rows(out) && plain_rows(x) && plain_rows(start) && plain_rows(bias);
  if (is_packed_ && plain) {
    const bool accumulate = fill_rows(out, start, bias);
    multiply(
        {out.size(0), out.size(1), x.size(1)}, 1, {x.data_ptr<float>(), x.stride(0), 1}, packed_,
        {out.data_ptr<float>(), out.stride(0), accumulate});
  } else if (start.defined()) {
    at::addmm_out(out, start, x, matrix_);
    if (bias.defined()) out.add_(bias);
  } else {
    part_into(out, x, matrix_, bias);
  }
}

void product_into(at::Tensor out, const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  const int64_t m = out.size(0), n = out.size(1);
  const bool by_rows = m >= n;
  const int64_t length = by_rows ? m : n;
  const int64_t threads = out.is_cpu() ? sharers(m * n * a.size(1), length) : 1;
  if (threads == 1) return part_into(out, a, b, bias);
  const int64_t share = ((length + threads - 1) / threads + 7) / 8 * 8;
  at::parallel_for(0, (length + share - 1) / share, 1, [&](int64_t begin, int64_t end) {
    c10::InferenceMode inference;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * share, count = std::min(share, length - first);
      if (by_rows) {
        at::Tensor rows = out.narrow(0, first, count);
        part_into(rows, a.narrow(0, first, count), b, bias);
      } else {
        at::Tensor columns = out.narrow(1, first, count);
        part_into(columns, a, b.narrow(1, first, count), bias.defined() ? bias.narrow(0, first, count) : bias);
      }
    }
  });
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  if (!a.is_cpu()) return bias.defined() ? at::addmm(bias, a, b) : at::mm(a, b);
  at::Tensor out = at::empty({a.size(0), b.size(1)}, a.options());
  product_into(out, a, b, bias);
  return out;
}

}  // namespace thinkrl
