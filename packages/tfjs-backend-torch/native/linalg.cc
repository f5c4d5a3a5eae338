// Matrix products: single ones go to BLAS, batches of small ones to our own parallel loop.
#include "call.h"
#include "gemm.h"
#include "product.h"

namespace thinkrl {
namespace {

bool plain_floats(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

Matrix matrix_at(const at::Tensor& x, int64_t offset) {
  return {x.data_ptr<float>() + offset, x.stride(-2), x.stride(-1)};
}

/** [batch, m, k] times [batch, k, n]; a batch stride of 0 repeats one matrix. */
at::Tensor batched(const at::Tensor& a, const at::Tensor& b) {
  const Extent extent{a.size(1), b.size(2), a.size(2)};
  const int64_t batch = a.size(0);
  at::Tensor c = at::empty({batch, extent.m, extent.n}, a.options());
  if (c.numel() == 0) return c;
  float* out = c.data_ptr<float>();
  at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Target target{out + i * extent.m * extent.n, extent.n, false};
      gemm(extent, 1, matrix_at(a, i * a.stride(0)), matrix_at(b, i * b.stride(0)), target);
    }
  });
  return c;
}

/** Products of any rank, batch axes broadcast. */
at::Tensor matrix_product(const at::Tensor& a, const at::Tensor& b) {
  if (a.dim() == 2 && b.dim() == 2) return product(a, b);
  Integers lead;
  const at::IntArrayRef outer_a = a.sizes().slice(0, a.dim() - 2), outer_b = b.sizes().slice(0, b.dim() - 2);
  const auto merged = at::infer_size(outer_a, outer_b);
  int64_t batch = 1;
  for (const int64_t size : merged) batch *= size;
  // One shared right-hand matrix: fold the batch into the rows.
  if (b.dim() == 2 || (b.numel() == b.size(-1) * b.size(-2) && batch > 1)) {
    const at::Tensor right = b.reshape({b.size(-2), b.size(-1)});
    Integers shape(merged.begin(), merged.end());
    shape.push_back(a.size(-2));
    shape.push_back(b.size(-1));
    Integers spread(merged.begin(), merged.end());
    spread.push_back(a.size(-2));
    spread.push_back(a.size(-1));
    return product(a.expand(spread).reshape({-1, a.size(-1)}), right).reshape(shape);
  }
  if (batch > 1 && plain_floats(a) && plain_floats(b) && a.size(-2) * b.size(-1) * a.size(-1) < (int64_t{1} << 24)) {
    Integers shape_a(merged.begin(), merged.end()), shape_b(merged.begin(), merged.end());
    shape_a.append({a.size(-2), a.size(-1)});
    shape_b.append({b.size(-2), b.size(-1)});
    const at::Tensor left = a.expand(shape_a).reshape({batch, a.size(-2), a.size(-1)});
    const at::Tensor right = b.expand(shape_b).reshape({batch, b.size(-2), b.size(-1)});
    Integers shape(merged.begin(), merged.end());
    shape.append({a.size(-2), b.size(-1)});
    return batched(left, right).reshape(shape);
  }
  return at::matmul(a, b);
}

void matmul(Call& call) {
  at::Tensor a = call.tensor();
  at::Tensor b = call.tensor();
  if (call.flag()) a = a.transpose(-1, -2);
  if (call.flag()) b = b.transpose(-1, -2);
  TORCH_CHECK(a.size(-1) == b.size(-2), "inner sizes differ: ", a.size(-1), " and ", b.size(-2));
  const auto type = at::promote_types(a.scalar_type(), b.scalar_type());
  call.give(matrix_product(a.to(type), b.to(type)));
}

at::Tensor rows_of(const at::Tensor& x) { return x.dim() == 2 ? x : x.reshape({-1, x.size(-1)}); }

/** y = x weight^T + bias with weight [out, in]. */
void linear(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Tensor& weight = call.tensor();
  const at::Tensor bias = call.maybe_tensor();
  TORCH_CHECK(x.size(-1) == weight.size(1), "x has ", x.size(-1), " features, the weight takes ", weight.size(1));
  const at::Tensor rows = rows_of(x);
  const at::Tensor y = product(rows, weight.t(), bias);
  if (x.dim() == 2) return call.give(y);
  Integers shape(x.sizes().begin(), x.sizes().end());
  shape.back() = weight.size(0);
  call.give(y.view(shape));
}

/** Column sums of [rows, width], in a fixed order of rows. */
at::Tensor column_sums(const at::Tensor& x) { return at::sum(x, {0}); }

void linear_input_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& weight = call.tensor();
  Integers shape(dy.sizes().begin(), dy.sizes().end());
  shape.back() = weight.size(1);
  call.give(product(rows_of(dy), weight).view(shape));
}

void linear_weight_grad(Call& call) {
  const at::Tensor& dy = call.tensor();
  const at::Tensor& x = call.tensor();
  call.give(product(rows_of(dy).t(), rows_of(x)));
}

void linear_bias_grad(Call& call) { call.give(column_sums(rows_of(call.tensor()))); }

void einsum(Call& call) {
  const auto list = call.tensors();
  std::string equation;
  for (const int64_t letter : call.integers()) equation.push_back(static_cast<char>(letter));
  call.give(at::einsum(equation, list));
}

void fft(Call& call) {
  const at::Tensor& x = call.tensor();
  call.give(call.flag() ? at::fft_ifft(x) : at::fft_fft(x));
}

}  // namespace

void add_linear_algebra(Operations& operations) {
  const Operation table[] = {
      {"matmul", matmul},
      {"linear", linear},
      {"linear_input_grad", linear_input_grad},
      {"linear_weight_grad", linear_weight_grad},
      {"linear_bias_grad", linear_bias_grad},
      {"einsum", einsum},
      {"fft", fft},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
