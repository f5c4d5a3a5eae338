// Two tensors in, broadcast against each other.
#include "call.h"

namespace thinkrl {
namespace {

at::Tensor numeric(const at::Tensor& x) { return x.scalar_type() == at::kBool ? x.to(at::kInt) : x; }

#define BINARY(name, expression)           \
  {                                        \
#name, [](Call& call) {                \
      const at::Tensor& a = call.tensor(); \
      const at::Tensor& b = call.tensor(); \
      call.give(expression);               \
    }                                      \
  }

at::Tensor floored_quotient(const at::Tensor& a, const at::Tensor& b) {
  if (at::isFloatingType(a.scalar_type()) || at::isFloatingType(b.scalar_type())) return at::floor(at::div(a, b));
  const at::Tensor quotient = at::floor(at::div(a.to(at::kDouble), b.to(at::kDouble)));
  return at::nan_to_num(quotient, 0, 0, 0).to(at::kInt);
}

at::Tensor power(const at::Tensor& a, const at::Tensor& b) {
  if (at::isFloatingType(a.scalar_type()) || at::isFloatingType(b.scalar_type()) || a.is_complex()) return at::pow(a, b);
  return at::pow(a.to(at::kDouble), b.to(at::kDouble)).to(at::kInt);
}

at::Tensor floored_remainder(const at::Tensor& a, const at::Tensor& b) {
  if (at::isFloatingType(a.scalar_type()) || at::isFloatingType(b.scalar_type())) return at::remainder(a, b);
  return at::nan_to_num(at::remainder(a.to(at::kDouble), b.to(at::kDouble)), 0, 0, 0).to(at::kInt);
}

at::Tensor squared_difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = at::sub(numeric(a), numeric(b));
  return at::mul(difference, difference);
}

/** A condition of rank 1 picks whole rows of the choices. */
void select(Call& call) {
  at::Tensor condition = call.tensor();
  const at::Tensor& yes = call.tensor();
  const at::Tensor& no = call.tensor();
  if (condition.scalar_type() != at::kBool) condition = at::ne(condition, 0);
  if (condition.dim() == 1 && yes.dim() > 1) {
    Integers shape(yes.dim(), 1);
    shape[0] = condition.size(0);
    condition = condition.reshape(shape);
  }
  call.give(at::where(condition, yes, no));
}

void sum_all(Call& call) {
  const auto list = call.tensors();
  TORCH_CHECK(!list.empty(), "nothing to add");
  at::Tensor total = list[0];
  if (list.size() == 1) total = total.alias();
  for (size_t i = 1; i < list.size(); ++i) {
    if (i == 1) {
      total = at::add(numeric(total), numeric(list[i]));
    } else {
      total.add_(list[i]);
    }
  }
  call.give(total);
}

}  // namespace

void add_binary(Operations& operations) {
  const Operation table[] = {
      BINARY(add, at::add(numeric(a), numeric(b))),
      BINARY(sub, at::sub(numeric(a), numeric(b))),
      BINARY(mul, at::mul(numeric(a), numeric(b))),
      BINARY(div, at::div(a, b)),
      BINARY(floor_divide, floored_quotient(a, b)),
      BINARY(remainder, floored_remainder(a, b)),
      BINARY(pow, power(a, b)),
      BINARY(maximum, at::maximum(numeric(a), numeric(b))),
      BINARY(minimum, at::minimum(numeric(a), numeric(b))),
      BINARY(atan2, at::atan2(a, b)),
      BINARY(squared_difference, squared_difference(a, b)),
      BINARY(eq, at::eq(a, b)),
      BINARY(ne, at::ne(a, b)),
      BINARY(gt, at::gt(a, b)),
      BINARY(ge, at::ge(a, b)),
      BINARY(lt, at::lt(a, b)),
      BINARY(le, at::le(a, b)),
      BINARY(logical_and, at::logical_and(a, b)),
      BINARY(logical_or, at::logical_or(a, b)),
      BINARY(logical_xor, at::logical_xor(a, b)),
      BINARY(bitwise_and, at::bitwise_and(a, b)),
      BINARY(prelu, at::where(at::ge(a, 0), a, at::mul(a, b))),
      BINARY(elu_grad, at::where(at::ge(b, 0), a, at::mul(a, at::add(b, 1)))),
      BINARY(complex, at::complex(a.to(at::kFloat), b.to(at::kFloat))),
      {"select", select},
      {"add_n", sum_all},
  };
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
