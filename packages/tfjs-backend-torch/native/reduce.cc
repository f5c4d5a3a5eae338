// Reductions and scans. Axes arrive sorted, non-negative and non-empty.
#include "call.h"

namespace thinkrl {
namespace {

bool whole(const at::Tensor& x) { return !at::isFloatingType(x.scalar_type()) && !x.is_complex(); }

struct Reduction {
  const at::Tensor& x;
  Integers axes;
  bool keep;
};

Reduction read(Call& call) {
  const at::Tensor& x = call.tensor();
  Integers axes = call.integers();
  return {x, axes, call.flag()};
}

void sum(Call& call) {
  const auto [x, axes, keep] = read(call);
  if (whole(x)) return call.give(at::sum(x, axes, keep, at::kInt));
  call.give(at::sum(x, axes, keep));
}

void mean(Call& call) {
  const auto [x, axes, keep] = read(call);
  call.give(at::mean(whole(x) ? x.to(at::kFloat) : x, axes, keep));
}

/** The largest (or smallest) along the axes; of nothing at all it is the worst value there is. */
template <bool kLargest>
void extreme(Call& call) {
  auto [x, axes, keep] = read(call);
  if (x.numel() > 0) return call.give(kLargest ? at::amax(x, axes, keep) : at::amin(x, axes, keep));
  const double infinity = std::numeric_limits<double>::infinity();
  const at::Tensor shape = at::sum(x.to(at::kFloat), axes, keep);
  call.give(at::full_like(shape, kLargest ? -infinity : infinity));
}

template <typename Fold>
at::Tensor fold_axes(at::Tensor x, const Integers& axes, bool keep, Fold fold) {
  Integers sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = sorted.size(); i-- > 0;) x = fold(x, sorted[i], keep);
  return x;
}

void prod(Call& call) {
  const auto [x, axes, keep] = read(call);
  at::Tensor start = x.scalar_type() == at::kBool ? x.to(at::kInt) : x;
  call.give(fold_axes(start, axes, keep, [](const at::Tensor& t, int64_t axis, bool k) { return at::prod(t, axis, k); }));
}

void all(Call& call) {
  const auto [x, axes, keep] = read(call);
  call.give(fold_axes(at::ne(x, 0), axes, keep, [](const at::Tensor& t, int64_t axis, bool k) { return at::all(t, axis, k); }));
}

void any(Call& call) {
  const auto [x, axes, keep] = read(call);
  call.give(fold_axes(at::ne(x, 0), axes, keep, [](const at::Tensor& t, int64_t axis, bool k) { return at::any(t, axis, k); }));
}

/** x as something with an order in which NaN never wins. */
at::Tensor ordered(const at::Tensor& x, double worst) {
  if (x.scalar_type() == at::kBool) return x.to(at::kInt);
  if (whole(x)) return x;
  const double infinity = std::numeric_limits<double>::infinity();
  return at::nan_to_num(x, worst, infinity, -infinity);
}

void argmax(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(at::argmax(ordered(x, -std::numeric_limits<double>::infinity()), call.integer(), false));
}

void argmin(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(at::argmin(ordered(x, std::numeric_limits<double>::infinity()), call.integer(), false));
}

/** Running total or product; `exclusive` leaves the element itself out, `reverse` runs from the end. */
template <typename Run>
void scan(Call& call, double neutral, Run run) {
  at::Tensor x = call.tensor();
  const int64_t axis = call.integer();
  const bool exclusive = call.flag();
  const bool reverse = call.flag();
  if (x.scalar_type() == at::kBool) x = x.to(at::kInt);
  if (reverse) x = at::flip(x, {axis});
  if (exclusive && x.size(axis) > 0) {
    Integers first(x.sizes().begin(), x.sizes().end());
    first[axis] = 1;
    x = at::cat({at::full(first, neutral, x.options()), x.narrow(axis, 0, x.size(axis) - 1)}, axis);
  }
  at::Tensor y = run(x, axis);
  call.give(reverse ? at::flip(y, {axis}) : y);
}

void cumsum(Call& call) {
  scan(call, 0, [](const at::Tensor& x, int64_t axis) { return at::cumsum(x, axis, x.scalar_type()); });
}

void cumprod(Call& call) {
  scan(call, 1, [](const at::Tensor& x, int64_t axis) { return at::cumprod(x, axis, x.scalar_type()); });
}

/** The k largest of the last axis, larger first and, among equals, the earlier first. */
void topk(Call& call) {
  const at::Tensor& x = call.tensor();
  const int64_t k = call.integer();
  const auto [values, indices] = at::sort(x, /*stable=*/true, /*dim=*/-1, /*descending=*/true);
  call.give(values.narrow(-1, 0, k).contiguous());
  call.give(indices.narrow(-1, 0, k));
}

void softmax(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(at::softmax(whole(x) ? x.to(at::kFloat) : x, call.integer()));
}

void log_softmax(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(at::log_softmax(whole(x) ? x.to(at::kFloat) : x, call.integer()));
}

}  // namespace

void add_reductions(Operations& operations) {
  const Operation table[] = {
      {"sum", sum},       {"mean", mean},     {"max", extreme<true>}, {"min", extreme<false>},
      {"prod", prod},     {"all", all},       {"any", any},           {"argmax", argmax},
      {"argmin", argmin}, {"cumsum", cumsum}, {"cumprod", cumprod},   {"topk", topk},
      {"softmax", softmax}, {"log_softmax", log_softmax},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
