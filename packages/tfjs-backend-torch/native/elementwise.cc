// One tensor in, one tensor of the same shape out.
#include "call.h"

namespace thinkrl {
namespace {

at::Tensor floating(const at::Tensor& x) {
  return at::isFloatingType(x.scalar_type()) || x.is_complex() ? x : x.to(at::kFloat);
}

/** Bits are numbers in tfjs: 0 and 1. */
at::Tensor numeric(const at::Tensor& x) { return x.scalar_type() == at::kBool ? x.to(at::kInt) : x; }

#define UNARY(name, expression)            \
  {                                        \
#name, [](Call& call) {                \
      const at::Tensor& x = call.tensor(); \
      call.give(expression);               \
    }                                      \
  }

void cast(Call& call) {
  at::Tensor x = call.tensor();
  const auto type = call.dtype();
  if (x.scalar_type() == type) return call.give(x.alias());
  if (is_half(x)) x = x.to(at::kFloat);
  if (type == at::kInt && at::isFloatingType(x.scalar_type())) {
    // Integers beyond 32 bits wrap as in JavaScript's ToInt32; what is not finite becomes 0.
    return call.give(at::nan_to_num(x, 0, 0, 0).to(at::kLong).to(at::kInt));
  }
  if (x.is_complex()) return call.give(type == at::kBool ? at::ne(at::real(x), 0) : at::real(x).to(type));
  if (type == at::kBool) return call.give(at::ne(x, 0));
  call.give(x.to(type));
}

/** Another storage behind the label float32; the same one is shared, not copied. */
void cast_storage(Call& call) {
  const at::Tensor& x = call.tensor();
  const auto type = call.dtype();
  TORCH_CHECK(at::isFloatingType(x.scalar_type()) && at::isFloatingType(type), "only float32 tensors have a storage to choose");
  call.give(x.scalar_type() == type ? x.alias() : x.to(type));
}

void step(Call& call) {
  const at::Tensor& x = call.tensor();
  const double alpha = call.number();
  at::Tensor result = at::where(at::gt(x, 0), at::ones({}, x.options()), at::full({}, alpha, x.options()));
  if (at::isFloatingType(x.scalar_type())) result = at::where(at::isnan(x), x, result);
  call.give(result);
}

}  // namespace

void add_elementwise(Operations& operations) {
  const Operation table[] = {
      UNARY(abs, at::abs(numeric(x))),
      UNARY(acos, at::acos(x)),
      UNARY(acosh, at::acosh(x)),
      UNARY(asin, at::asin(x)),
      UNARY(asinh, at::asinh(x)),
      UNARY(atan, at::atan(x)),
      UNARY(atanh, at::atanh(x)),
      UNARY(ceil, at::ceil(x)),
      UNARY(cos, at::cos(x)),
      UNARY(cosh, at::cosh(x)),
      UNARY(erf, at::erf(floating(x))),
      UNARY(exp, at::exp(x)),
      UNARY(expm1, at::expm1(x)),
      UNARY(floor, at::floor(x)),
      UNARY(isfinite, at::isfinite(x)),
      UNARY(isinf, at::isinf(x)),
      UNARY(isnan, at::isnan(x)),
      UNARY(log, at::log(x)),
      UNARY(log1p, at::log1p(x)),
      UNARY(logical_not, at::logical_not(x)),
      UNARY(neg, at::neg(numeric(x))),
      UNARY(reciprocal, at::reciprocal(x)),
      UNARY(relu, at::relu(numeric(x))),
      UNARY(relu6, at::clamp(numeric(x), 0, 6)),
      UNARY(round, at::round(x)),
      UNARY(rsqrt, at::rsqrt(x)),
      UNARY(selu, at::selu(floating(x))),
      UNARY(sigmoid, at::sigmoid(x)),
      UNARY(sign, at::sign(numeric(x))),
      UNARY(sin, at::sin(x)),
      UNARY(sinh, at::sinh(x)),
      UNARY(softplus, at::softplus(floating(x))),
      UNARY(sqrt, at::sqrt(x)),
      UNARY(square, at::square(numeric(x))),
      UNARY(tan, at::tan(x)),
      UNARY(tanh, at::tanh(x)),
      UNARY(elu, at::elu(floating(x))),
      UNARY(leaky_relu, at::leaky_relu(floating(x), call.number())),
      UNARY(alias, x.alias()),
      UNARY(copy, x.clone(at::MemoryFormat::Contiguous)),
      UNARY(zeros_like, at::zeros(x.sizes(), x.options())),
      UNARY(ones_like, at::ones(x.sizes(), x.options())),
      UNARY(real, at::real(x)),
      UNARY(imag, x.is_complex() ? at::imag(x) : at::zeros_like(x)),
      UNARY(complex_abs, at::abs(x)),
      {"cast", cast},
      {"cast_storage", cast_storage},
      {"step", step},
      {"clamp",
       [](Call& call) {
         const at::Tensor& x = call.tensor();
         const double low = call.number();
         call.give(at::clamp(x, low, call.number()).to(x.scalar_type()));
       }},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
