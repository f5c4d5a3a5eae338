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

}  // namespace

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
