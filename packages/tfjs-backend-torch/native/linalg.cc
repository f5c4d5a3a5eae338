// Matrix products: single ones go to BLAS, batches of small ones to our own parallel loop. Rotation of pairs of features.
#include "call.h"
#include "gemm.h"
#include "product.h"

namespace thinkrl {
namespace {

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
  if (bias.defined()) {
    TORCH_CHECK(bias.dim() == 1 && bias.size(0) == weight.size(0), "the bias does not have ", weight.size(0), " elements");
  }
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
  TORCH_CHECK(dy.dim() > 0 && weight.dim() == 2, "dy has no features or the weight is not a matrix");
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

/** x [B, T, H, D] and the cosines and sines [B or 1, T, D / 2] of the angles that its pairs of features turn by. */
struct Rotation {
  at::Tensor x, cosine, sine;
  bool interleaved, back;

  int64_t half() const { return x.size(3) / 2; }
};

Rotation read_rotation(Call& call) {
  Rotation r;
  r.x = call.tensor(), r.cosine = call.statistic(), r.sine = call.statistic();
  r.interleaved = call.flag(), r.back = call.flag();
  TORCH_CHECK(r.x.dim() == 4 && at::isFloatingType(r.x.scalar_type()), "x is not float32 [batch, token, head, width]");
  TORCH_CHECK(r.x.size(3) % 2 == 0, "the width ", r.x.size(3), " has no pairs");
  for (at::Tensor* list : {&r.cosine, &r.sine}) {
    TORCH_CHECK(at::isFloatingType(list->scalar_type()), "cosines and sines are not float32");
    const at::Tensor table = list->dim() == 2 ? list->unsqueeze(0) : *list;
    TORCH_CHECK(
        table.dim() == 3 && (table.size(0) == 1 || table.size(0) == r.x.size(0)) && table.size(1) == r.x.size(1) &&
            table.size(2) == r.half(),
        "cosines and sines are not [", r.x.size(1), ", ", r.half(), "], with or without a batch before");
    *list = table.to(at::kFloat);
  }
  return r;
}

/** Turns one head: pair i is (2 i, 2 i + 1), or (i, i + half) where they are not interleaved. */
template <bool interleaved>
void turn(const float* __restrict x, float* __restrict y, const float* cosine, const float* sine, int64_t half, float way) {
  for (int64_t i = 0; i < half; ++i) {
    const int64_t first = interleaved ? 2 * i : i, second = interleaved ? first + 1 : i + half;
    const float a = x[first], b = x[second], turned = way * sine[i];
    y[first] = a * cosine[i] - b * turned;
    y[second] = b * cosine[i] + a * turned;
  }
}

at::Tensor rotated_here(const Rotation& r) {
  const at::Tensor x = r.x.stride(3) == 1 ? r.x : r.x.contiguous();
  const int64_t batch = x.size(0), tokens = x.size(1), heads = x.size(2), half = r.half();
  const at::Tensor cosine = r.cosine.expand({batch, tokens, half}).contiguous();
  const at::Tensor sine = r.sine.expand({batch, tokens, half}).contiguous();
  at::Tensor y = at::empty(x.sizes(), x.options());
  const float *from = x.data_ptr<float>(), *cosines = cosine.data_ptr<float>(), *sines = sine.data_ptr<float>();
  float* to = y.data_ptr<float>();
  const auto turn_head = r.interleaved ? turn<true> : turn<false>;
  const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, heads * half));
  at::parallel_for(0, batch * tokens, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* token = from + i / tokens * x.stride(0) + i % tokens * x.stride(1);
      for (int64_t h = 0; h < heads; ++h) {
        float* head = to + (i * heads + h) * 2 * half;
        turn_head(token + h * x.stride(2), head, cosines + i * half, sines + i * half, half, r.back ? -1.0f : 1.0f);
      }
    }
  });
  return y;
}

at::Tensor rotated_composed(const Rotation& r) {
  const at::Tensor x = r.x.to(at::kFloat), cosine = r.cosine.unsqueeze(2);
  const at::Tensor sine = r.back ? at::neg(r.sine.unsqueeze(2)) : r.sine.unsqueeze(2);
  const at::Tensor pairs = r.interleaved ? x.unflatten(3, {r.half(), 2}) : x.unflatten(3, {2, r.half()}).transpose(3, 4);
  const at::Tensor a = pairs.select(4, 0), b = pairs.select(4, 1);
  const at::Tensor first = at::sub(at::mul(a, cosine), at::mul(b, sine));
  const at::Tensor second = at::add(at::mul(b, cosine), at::mul(a, sine));
  const at::Tensor y = r.interleaved ? at::stack({first, second}, 4).flatten(3) : at::cat({first, second}, 3);
  return y.to(r.x.scalar_type());
}

/** Rotary position embedding; `back` turns the other way, which is the gradient. */
void rotary(Call& call) {
  const Rotation r = read_rotation(call);
  call.give(plain_floats(r.x) ? rotated_here(r) : rotated_composed(r));
}

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
      {"rotary", rotary},
      {"einsum", einsum},
      {"fft", fft},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
