// In-place steps over whole lists of tensors, cut into pieces of equal work.
#include "call.h"

namespace thinkrl {
namespace {

constexpr int64_t kPiece = 8192;

struct Piece {
  size_t tensor;
  int64_t begin, end;
};

std::vector<Piece> pieces_of(const std::vector<at::Tensor>& tensors) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const int64_t length = tensors[i].numel();
    for (int64_t from = 0; from < length; from += kPiece) pieces.push_back({i, from, std::min(length, from + kPiece)});
  }
  return pieces;
}

template <typename Body>
void over_pieces(const std::vector<Piece>& pieces, Body body) {
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i, pieces[i]);
  });
}

bool plain(const std::vector<at::Tensor>& tensors) {
  for (const auto& tensor : tensors) {
    if (!tensor.is_cpu() || tensor.scalar_type() != at::kFloat) return false;
  }
  return true;
}

void check_targets(const std::vector<at::Tensor>& targets, const std::vector<at::Tensor>& like, const char* what) {
  TORCH_CHECK(targets.size() == like.size(), targets.size(), " ", what, " for ", like.size(), " parameters");
  for (size_t i = 0; i < targets.size(); ++i) {
    TORCH_CHECK(targets[i].sizes() == like[i].sizes(), what, " ", i, " has another shape than its parameter");
    TORCH_CHECK(targets[i].is_contiguous(), what, " ", i, " is a strided view and cannot be changed in place");
    TORCH_CHECK(at::isFloatingType(targets[i].scalar_type()), what, " ", i, " is not float32");
  }
}

std::vector<at::Tensor> contiguous(std::vector<at::Tensor> tensors) {
  for (auto& tensor : tensors) tensor = tensor.contiguous();
  return tensors;
}

struct AdamW {
  double rate, beta1, beta2, epsilon, decay, step, gradient_scale;
};

struct State {
  std::vector<at::Tensor> params, grads, first, second;
};

void adamw_composed(const State& s, const AdamW& o, double correction1, double correction2) {
  for (size_t i = 0; i < s.params.size(); ++i) {
    at::Tensor p = s.params[i], wide = p.to(at::kFloat), m = s.first[i], v = s.second[i];
    const at::Tensor g = at::mul(s.grads[i].to(at::kFloat), o.gradient_scale);
    m.mul_(o.beta1).add_(g, 1 - o.beta1);
    v.mul_(o.beta2).addcmul_(g, g, 1 - o.beta2);
    const at::Tensor spread = at::sqrt(v.to(at::kFloat)).div_(std::sqrt(correction2)).add_(o.epsilon);
    wide.mul_(1 - o.rate * o.decay).addcdiv_(m.to(at::kFloat), spread, -o.rate / correction1);
    if (!wide.is_same(p)) p.copy_(wide);
  }
}

void adamw_here(const State& s, const AdamW& o, double correction1, double correction2) {
  const float beta1 = o.beta1, beta2 = o.beta2, rest1 = 1 - o.beta1, rest2 = 1 - o.beta2, epsilon = o.epsilon;
  const float keep = 1 - o.rate * o.decay, rate = o.rate / correction1, scale = o.gradient_scale;
  const float inverse = 1 / std::sqrt(correction2);
  over_pieces(pieces_of(s.params), [&](int64_t, const Piece& piece) {
    float* __restrict p = s.params[piece.tensor].data_ptr<float>();
    float* __restrict m = s.first[piece.tensor].data_ptr<float>();
    float* __restrict v = s.second[piece.tensor].data_ptr<float>();
    const float* __restrict grad = s.grads[piece.tensor].data_ptr<float>();
    for (int64_t i = piece.begin; i < piece.end; ++i) {
      const float g = grad[i] * scale;
      m[i] = beta1 * m[i] + rest1 * g;
      v[i] = beta2 * v[i] + rest2 * g * g;
      p[i] = p[i] * keep - rate * m[i] / (std::sqrt(v[i]) * inverse + epsilon);
    }
  });
}

void adamw(Call& call) {
  State s;
  s.params = call.tensors();
  s.grads = contiguous(call.tensors());
  s.first = call.tensors();
  s.second = call.tensors();
  AdamW o;
  o.rate = call.number(), o.beta1 = call.number(), o.beta2 = call.number(), o.epsilon = call.number();
  o.decay = call.number(), o.step = call.number(), o.gradient_scale = call.number();
  check_targets(s.params, s.params, "parameter");
  check_targets(s.grads, s.params, "gradient");
  check_targets(s.first, s.params, "first moment");
  check_targets(s.second, s.params, "second moment");
  const double correction1 = 1 - std::pow(o.beta1, o.step), correction2 = 1 - std::pow(o.beta2, o.step);
  const bool here = plain(s.params) && plain(s.grads) && plain(s.first) && plain(s.second);
  (here ? adamw_here : adamw_composed)(s, o, correction1, correction2);
}

at::Tensor norm_composed(const std::vector<at::Tensor>& tensors, const at::TensorOptions& options) {
  at::Tensor sum = at::zeros({}, options);
  for (const auto& tensor : tensors) sum = at::add(sum, at::sum(at::square(tensor.to(at::kFloat))));
  return at::sqrt(sum);
}

/** Partial sums in double are added in order: the same on any number of threads. */
double squares_here(const std::vector<at::Tensor>& tensors) {
  const auto pieces = pieces_of(tensors);
  std::vector<double> partial(pieces.size());
  over_pieces(pieces, [&](int64_t index, const Piece& piece) {
    const float* x = tensors[piece.tensor].data_ptr<float>();
    double sums[8] = {};
    int64_t i = piece.begin;
    for (; i + 8 <= piece.end; i += 8) {
      for (int lane = 0; lane < 8; ++lane) sums[lane] += static_cast<double>(x[i + lane]) * x[i + lane];
    }
    for (; i < piece.end; ++i) sums[0] += static_cast<double>(x[i]) * x[i];
    for (const double sum : sums) partial[index] += sum;
  });
  double total = 0;
  for (const double sum : partial) total += sum;
  return total;
}

double norm_here(const std::vector<at::Tensor>& tensors) { return std::sqrt(squares_here(tensors)); }

at::Tensor squares_composed(const std::vector<at::Tensor>& tensors, const at::TensorOptions& options) {
  at::Tensor sum = at::zeros({}, options.dtype(at::kDouble));
  for (const auto& tensor : tensors) sum = at::add(sum, at::sum(at::square(tensor.to(at::kFloat)), at::kDouble));
  return sum;
}

/** The sum of squares as a float and what that leaves of a double: no digit is lost when parts are added up elsewhere. */
void squared_norm(Call& call) {
  const auto tensors = contiguous(call.tensors());
  const auto options = call.options(at::kFloat);
  const at::Tensor sum = plain(tensors) ? at::full({}, squares_here(tensors), options.dtype(at::kDouble))
                                        : squares_composed(tensors, options);
  const at::Tensor high = sum.to(at::kFloat);
  call.give(at::stack({high, at::sub(sum, high.to(at::kDouble)).to(at::kFloat)}));
}

void global_norm(Call& call) {
  const auto tensors = contiguous(call.tensors());
  const auto options = call.options(at::kFloat);
  call.give(plain(tensors) ? at::full({}, norm_here(tensors), options) : norm_composed(tensors, options));
}

/** Keeps limit / 0 finite, as PyTorch's clip_grad_norm_ does. */
constexpr double kNormMargin = 1e-6;

/**
 * The norm over all tensors, then each tensor times min(1, limit / norm); the tensors themselves where that is 1 or the
 * norm is not finite. New tensors, because gradients may share their storage.
 */
void clip_norm(Call& call) {
  const auto tensors = contiguous(call.tensors());
  const double limit = call.number();
  for (const auto& tensor : tensors) TORCH_CHECK(at::isFloatingType(tensor.scalar_type()), "a gradient is not float32");
  if (plain(tensors)) {
    const double norm = norm_here(tensors), scale = limit / (norm + kNormMargin);
    const bool over = std::isfinite(norm) && scale < 1;
    call.give_statistic(at::full({}, norm, call.options(at::kFloat)));
    for (const auto& tensor : tensors) call.give_statistic(over ? at::mul(tensor, scale) : tensor.alias());
    return;
  }
  const at::Tensor norm = norm_composed(tensors, call.options(at::kFloat));
  const at::Tensor scale = at::clamp_max(at::mul(at::reciprocal(at::add(norm, kNormMargin)), limit), 1);
  const at::Tensor factor = at::where(at::isfinite(norm), scale, at::ones_like(scale));
  call.give_statistic(norm);
  for (const auto& tensor : tensors) call.give_statistic(at::mul(tensor, factor));
}

void ema(Call& call) {
  const auto averages = call.tensors();
  const auto params = contiguous(call.tensors());
  const double decay = call.number();
  check_targets(averages, params, "average");
  if (!plain(averages) || !plain(params)) {
    for (size_t i = 0; i < averages.size(); ++i) averages[i].lerp_(params[i].to(averages[i].scalar_type()), 1 - decay);
    return;
  }
  const float pull = 1 - decay;
  over_pieces(pieces_of(averages), [&](int64_t, const Piece& piece) {
    float* __restrict average = averages[piece.tensor].data_ptr<float>();
    const float* __restrict param = params[piece.tensor].data_ptr<float>();
    for (int64_t i = piece.begin; i < piece.end; ++i) average[i] += pull * (param[i] - average[i]);
  });
}

/** Overwrites a tensor's storage with another's values. */
void assign(Call& call) {
  at::Tensor target = call.tensor();
  const at::Tensor& source = call.tensor();
  TORCH_CHECK(target.sizes() == source.sizes(), "the shapes differ");
  const bool floats = at::isFloatingType(target.scalar_type()) && at::isFloatingType(source.scalar_type());
  TORCH_CHECK(floats || target.scalar_type() == source.scalar_type(), "the dtypes differ");
  target.copy_(source);
}

}  // namespace

void add_optimizers(Operations& operations) {
  const Operation table[] = {{"adamw", adamw}, {"global_norm", global_norm},
                             {"squared_norm", squared_norm}, {"clip_norm", clip_norm}, {"ema", ema}, {"assign", assign}};
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
