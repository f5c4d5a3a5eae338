// Log-probability of chosen tokens and entropy of their distribution, without keeping the log-softmax.
#include "call.h"
#include "vector.h"

namespace thinkrl {
namespace {

struct Tokens {
  at::Tensor logits, ids;
  int64_t rows, width;
};

Tokens read_tokens(Call& call) {
  Tokens t;
  t.logits = call.tensor();
  t.ids = call.tensor();
  TORCH_CHECK(t.logits.dim() == 2 && t.ids.dim() == 1, "logits are [tokens, vocabulary], ids [tokens]");
  TORCH_CHECK(t.logits.size(0) == t.ids.size(0), t.ids.size(0), " ids for ", t.logits.size(0), " rows");
  t.rows = t.logits.size(0);
  t.width = t.logits.size(1);
  if (t.rows > 0 && t.ids.is_cpu()) {
    const auto [low, high] = at::aminmax(t.ids);
    TORCH_CHECK(low.item<int64_t>() >= 0 && high.item<int64_t>() < t.width, "an id is outside 0..", t.width - 1);
  }
  t.ids = t.ids.to(at::kLong).contiguous();
  return t;
}

bool plain_floats(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

/** log(sum e^x) of a row and the mean of x under its softmax. */
std::pair<float, float> row_statistics(const float* row, int64_t width) {
  const float top = row_largest(row, width);
  Lanes sums{}, weighted{};
  for (int64_t j = 0; j < width; j += kLanes) {
    const int64_t left = width - j;
    const Lanes x = (left >= kLanes ? load(row + j) : load_tail(row + j, left, -1e30f)) - top;
    const Lanes y = exponential(x);
    sums += y;
    weighted += y * larger(x, broadcast(-1e30f));
  }
  const float sum = total(sums);
  return {top + std::log(sum), top + total(weighted) / sum};
}

void token_log_prob(Call& call) {
  const Tokens t = read_tokens(call);
  if (!plain_floats(t.logits)) {
    const at::Tensor x = t.logits.to(at::kFloat), log_sum = at::logsumexp(x, {1});
    const at::Tensor mean = at::sum(at::mul(at::softmax(x, 1), x), {1});
    call.give_statistic(at::sub(at::gather(x, 1, t.ids.unsqueeze(1)).squeeze(1), log_sum));
    call.give_statistic(at::sub(log_sum, mean));
    return call.give_statistic(log_sum);
  }
  const at::Tensor x = t.logits.contiguous();
  at::Tensor chosen = at::empty({t.rows}, x.options()), entropy = at::empty({t.rows}, x.options());
  at::Tensor log_sums = at::empty({t.rows}, x.options());
  const float* from = x.data_ptr<float>();
  const int64_t* ids = t.ids.data_ptr<int64_t>();
  float *picks = chosen.data_ptr<float>(), *spreads = entropy.data_ptr<float>(), *sums = log_sums.data_ptr<float>();
  at::parallel_for(0, t.rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(t.width, 1)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto [log_sum, mean] = row_statistics(from + i * t.width, t.width);
      picks[i] = from[i * t.width + ids[i]] - log_sum;
      spreads[i] = log_sum - mean;
      sums[i] = log_sum;
    }
  });
  call.give_statistic(chosen);
  call.give_statistic(entropy);
  call.give_statistic(log_sums);
}


/** d(logit_j) = dlogp (1[j = id] - p_j) - dentropy p_j (x_j - logsum + entropy). */
void token_log_prob_grad(Call& call) {
  const Tokens t = read_tokens(call);
  const at::Tensor entropy = call.statistic().contiguous();
  const at::Tensor log_sums = call.statistic().contiguous();
  const at::Tensor dchosen = call.statistic().contiguous();
  const at::Tensor dentropy = call.statistic().contiguous();
  if (!plain_floats(t.logits)) {
    const at::Tensor log_p = at::sub(t.logits.to(at::kFloat), log_sums.unsqueeze(1)), p = at::exp(log_p);
    at::Tensor dx = at::neg(at::mul(p, at::add(dchosen.unsqueeze(1),
        at::mul(dentropy.unsqueeze(1), at::add(log_p, entropy.unsqueeze(1))))));
    dx.scatter_add_(1, t.ids.unsqueeze(1), dchosen.unsqueeze(1));
    return call.give(dx.to(t.logits.scalar_type()));
  }
  const at::Tensor x = t.logits.contiguous();
  at::Tensor dx = at::empty(x.sizes(), x.options());
  const float *from = x.data_ptr<float>(), *spreads = entropy.data_ptr<float>(), *sums = log_sums.data_ptr<float>();
  const float *pick = dchosen.data_ptr<float>(), *spread = dentropy.data_ptr<float>();
  const int64_t* ids = t.ids.data_ptr<int64_t>();
  float* to = dx.data_ptr<float>();
  at::parallel_for(0, t.rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(t.width, 1)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float *row = from + i * t.width, shift = spreads[i];
      float* out = to + i * t.width;
      for (int64_t j = 0; j < t.width; j += kLanes) {
        const int64_t left = t.width - j;
        const Lanes log_p = larger((left >= kLanes ? load(row + j) : load_tail(row + j, left, 0)) - sums[i], broadcast(-1e30f));
        const Lanes slope = -exponential(log_p) * (pick[i] + spread[i] * (log_p + shift));
        if (left >= kLanes) store(out + j, slope); else store_tail(out + j, slope, left);
      }
      out[ids[i]] += pick[i];
    }
  });
  call.give(dx);
}

}  // namespace

void add_losses(Operations& operations) {
  const Operation table[] = {{"token_log_prob", token_log_prob}, {"token_log_prob_grad", token_log_prob_grad}};
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
