// Log-probability of chosen tokens and entropy of their distribution, from logits or from what the logits are made of.
#include "call.h"
#include "product.h"
#include "vector.h"

namespace thinkrl {
namespace {

/** How many logits are worked on at a time where a copy of them is made. */
int64_t cells_at_once(const at::Tensor& like) { return like.is_cpu() ? int64_t{1} << 22 : int64_t{1} << 26; }

int64_t rows_at_once(int64_t width, const at::Tensor& like) {
  return std::max<int64_t>(16, cells_at_once(like) / std::max<int64_t>(1, width));
}

/** Calls `body(first, count)` for all of `rows` in steps of at most `step`. */
template <typename Body>
void in_steps(int64_t rows, int64_t step, Body body) {
  for (int64_t first = 0; first < rows; first += step) body(first, std::min(step, rows - first));
}

/** Ids within the vocabulary: a CPU refuses others, an accelerator, which would have to be waited for, moves them in. */
at::Tensor checked_ids(const at::Tensor& ids, int64_t rows, int64_t width) {
  TORCH_CHECK(ids.dim() == 1 && at::isIntegralType(ids.scalar_type(), false), "ids are not int32 [tokens]");
  TORCH_CHECK(ids.size(0) == rows, ids.size(0), " ids for ", rows, " rows");
  TORCH_CHECK(rows == 0 || width > 0, "the vocabulary is empty");
  if (!ids.is_cpu()) return at::clamp(ids, 0, std::max<int64_t>(0, width - 1)).to(at::kLong).contiguous();
  if (rows > 0) {
    const auto [low, high] = at::aminmax(ids);
    TORCH_CHECK(low.item<int64_t>() >= 0 && high.item<int64_t>() < width, "an id is outside 0..", width - 1);
  }
  return ids.to(at::kLong).contiguous();
}

/** Per row: log-probability of its id, entropy, log of the summed exponentials. */
struct Measures {
  at::Tensor chosen, entropy, log_sums;

  Measures rows(int64_t first, int64_t count) const {
    return {chosen.narrow(0, first, count), entropy.narrow(0, first, count), log_sums.narrow(0, first, count)};
  }
};

Measures room_for(int64_t rows, const at::Tensor& like) {
  const auto options = like.options().dtype(at::kFloat);
  return {at::empty({rows}, options), at::empty({rows}, options), at::empty({rows}, options)};
}

/** What the gradient needs per row: d(log-probability), d(entropy), entropy, log-sum. */
struct Slopes {
  at::Tensor chosen, entropy_slope, entropy, log_sums;

  Slopes rows(int64_t first, int64_t count) const {
    return {chosen.narrow(0, first, count), entropy_slope.narrow(0, first, count), entropy.narrow(0, first, count),
            log_sums.narrow(0, first, count)};
  }
};

Slopes read_slopes(Call& call, int64_t rows) {
  Slopes s;
  for (at::Tensor* list : {&s.entropy, &s.log_sums, &s.chosen, &s.entropy_slope}) {
    *list = call.statistic().to(at::kFloat).contiguous();
    TORCH_CHECK(list->dim() == 1 && list->size(0) == rows, "a slope is not [", rows, "]");
  }
  return s;
}

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

int64_t rows_worth_a_thread(int64_t width) { return std::max<int64_t>(1, 16384 / std::max<int64_t>(width, 1)); }

void measure_here(const at::Tensor& logits, const at::Tensor& index, const Measures& into) {
  const int64_t rows = logits.size(0), width = logits.size(1);
  const float* from = logits.data_ptr<float>();
  const int64_t* ids = index.data_ptr<int64_t>();
  float *picks = into.chosen.data_ptr<float>(), *spreads = into.entropy.data_ptr<float>();
  float* sums = into.log_sums.data_ptr<float>();
  at::parallel_for(0, rows, rows_worth_a_thread(width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto [log_sum, mean] = row_statistics(from + i * width, width);
      picks[i] = from[i * width + ids[i]] - log_sum;
      spreads[i] = log_sum - mean;
      sums[i] = log_sum;
    }
  });
}

/** Fills `into` for contiguous logits [rows, width]. */
void measure(const at::Tensor& logits, const at::Tensor& ids, const Measures& into) {
  if (plain_floats(logits)) return measure_here(logits, ids, into);
  in_steps(logits.size(0), rows_at_once(logits.size(1), logits), [&](int64_t first, int64_t count) {
    const at::Tensor x = logits.narrow(0, first, count).to(at::kFloat), log_sums = at::logsumexp(x, {1});
    const Measures part = into.rows(first, count);
    part.chosen.copy_(at::sub(at::gather(x, 1, ids.narrow(0, first, count).unsqueeze(1)).squeeze(1), log_sums));
    part.entropy.copy_(at::sub(log_sums, at::sum(at::softmax(x, 1).mul_(at::clamp_min(x, -1e30)), {1})));
    part.log_sums.copy_(log_sums);
  });
}

void slope_here(const at::Tensor& logits, const at::Tensor& index, const Slopes& s, const at::Tensor& into) {
  const int64_t rows = logits.size(0), width = logits.size(1);
  const float *from = logits.data_ptr<float>(), *spreads = s.entropy.data_ptr<float>();
  const float *sums = s.log_sums.data_ptr<float>(), *pick = s.chosen.data_ptr<float>();
  const float* spread = s.entropy_slope.data_ptr<float>();
  const int64_t* ids = index.data_ptr<int64_t>();
  float* to = into.data_ptr<float>();
  at::parallel_for(0, rows, rows_worth_a_thread(width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float *row = from + i * width, shift = spreads[i];
      float* out = to + i * width;
      for (int64_t j = 0; j < width; j += kLanes) {
        const int64_t left = width - j;
        const Lanes log_p = larger((left >= kLanes ? load(row + j) : load_tail(row + j, left, 0)) - sums[i], broadcast(-1e30f));
        const Lanes slope = -exponential(log_p) * (pick[i] + spread[i] * (log_p + shift));
        if (left >= kLanes) store(out + j, slope); else store_tail(out + j, slope, left);
      }
      out[ids[i]] += pick[i];
    }
  });
}

/**
 * d(logit_j) = dlogp (1[j = id] - p_j) - dentropy p_j (log p_j + entropy), for contiguous logits; `into` may be the
 * logits themselves.
 */
void slope(const at::Tensor& logits, const at::Tensor& ids, const Slopes& slopes, const at::Tensor& into) {
  if (plain_floats(logits)) return slope_here(logits, ids, slopes, into);
  in_steps(logits.size(0), rows_at_once(logits.size(1), logits), [&](int64_t first, int64_t count) {
    const Slopes s = slopes.rows(first, count);
    const at::Tensor x = logits.narrow(0, first, count).to(at::kFloat);
    const at::Tensor log_p = at::clamp_min(at::sub(x, s.log_sums.unsqueeze(1)), -1e30);
    at::Tensor dx = at::add(log_p, s.entropy.unsqueeze(1)).mul_(s.entropy_slope.unsqueeze(1)).add_(s.chosen.unsqueeze(1));
    dx.mul_(at::exp(log_p)).neg_();
    dx.scatter_add_(1, ids.narrow(0, first, count).unsqueeze(1), s.chosen.unsqueeze(1));
    into.narrow(0, first, count).copy_(dx);
  });
}

struct Tokens {
  at::Tensor logits, given, ids;
};

Tokens read_tokens(Call& call) {
  const at::Tensor logits = call.tensor(), ids = call.tensor();
  TORCH_CHECK(logits.dim() == 2 && at::isFloatingType(logits.scalar_type()), "logits are not float32 [tokens, vocabulary]");
  return {logits.contiguous(), ids, checked_ids(ids, logits.size(0), logits.size(1))};
}

/** Gives the measures, with NaN for the log-probability of an id that an accelerator had to move in. */
void give(Call& call, const Measures& measures, const at::Tensor& given, const at::Tensor& ids) {
  at::Tensor chosen = measures.chosen;
  if (!given.is_cpu()) chosen.masked_fill_(at::ne(given, ids), std::numeric_limits<double>::quiet_NaN());
  call.give_statistic(measures.chosen);
  call.give_statistic(measures.entropy);
  call.give_statistic(measures.log_sums);
}

void token_log_prob(Call& call) {
  const Tokens t = read_tokens(call);
  const Measures measures = room_for(t.logits.size(0), t.logits);
  measure(t.logits, t.ids, measures);
  give(call, measures, t.given, t.ids);
}

void token_log_prob_grad(Call& call) {
  const Tokens t = read_tokens(call);
  const at::Tensor into = at::empty(t.logits.sizes(), t.logits.options());
  slope(t.logits, t.ids, read_slopes(call, t.logits.size(0)), into);
  call.give(into);
}

/** logits = hidden weight^T + bias: hidden [tokens, width], weight [vocabulary, width], bias [vocabulary]. */
struct Head {
  at::Tensor hidden, weight, bias, given, ids;

  int64_t tokens() const { return hidden.size(0); }
  int64_t vocabulary() const { return weight.size(0); }
  int64_t step() const { return std::min(tokens(), rows_at_once(vocabulary(), weight)); }
};

Head read_head(Call& call) {
  Head h;
  h.hidden = call.tensor(), h.weight = call.tensor(), h.bias = call.maybe_tensor();
  h.given = call.tensor();
  TORCH_CHECK(h.hidden.dim() == 2 && h.weight.dim() == 2, "hidden is not [tokens, width] or weight not [vocabulary, width]");
  TORCH_CHECK(h.hidden.size(1) == h.weight.size(1), "hidden has ", h.hidden.size(1), " features, the weight takes ", h.weight.size(1));
  TORCH_CHECK(at::isFloatingType(h.weight.scalar_type()), "the weight is not float32");
  if (h.bias.defined()) {
    TORCH_CHECK(h.bias.dim() == 1 && h.bias.size(0) == h.vocabulary(), "the bias does not have ", h.vocabulary(), " elements");
  }
  h.ids = checked_ids(h.given, h.tokens(), h.vocabulary());
  return h;
}

/** The logits of some tokens, written over those of the tokens before. */
at::Tensor logits_of(const Head& h, int64_t first, int64_t count, const at::Tensor& room) {
  const at::Tensor logits = room.narrow(0, 0, count);
  product_into(logits, h.hidden.narrow(0, first, count), h.weight.t(), h.bias);
  return logits;
}

void head_log_prob(Call& call) {
  const Head h = read_head(call);
  const Measures measures = room_for(h.tokens(), h.weight);
  const at::Tensor room = at::empty({h.step(), h.vocabulary()}, h.weight.options());
  in_steps(h.tokens(), h.step(), [&](int64_t first, int64_t count) {
    measure(logits_of(h, first, count, room), h.ids.narrow(0, first, count), measures.rows(first, count));
  });
  give(call, measures, h.given, h.ids);
}

/** total += a^T b, the rows of `total` shared out over libtorch's threads as product.h does. */
void add_product(const at::Tensor& total, const at::Tensor& a, const at::Tensor& b) {
  if (!plain_floats(total) || !plain_floats(a)) return void(at::Tensor(total).add_(at::mm(a.t(), b)));
  at::parallel_for(0, total.size(0), 128, [&](int64_t begin, int64_t end) {
    c10::InferenceMode inference;
    total.narrow(0, begin, end - begin).addmm_(a.narrow(1, begin, end - begin).t(), b);
  });
}

/** d(hidden), then d(weight) and d(bias) unless the head is frozen; the logits are computed again. */
void head_log_prob_grad(Call& call) {
  const Head h = read_head(call);
  const Slopes slopes = read_slopes(call, h.tokens());
  const bool frozen = call.flag();
  const auto wide = h.weight.options().dtype(at::kFloat);
  const at::Tensor dhidden = at::empty(h.hidden.sizes(), h.hidden.options());
  at::Tensor dweight, dbias;
  if (!frozen) dweight = at::zeros(h.weight.sizes(), wide), dbias = at::zeros({h.vocabulary()}, wide);
  const at::Tensor room = at::empty({h.step(), h.vocabulary()}, h.weight.options());
  in_steps(h.tokens(), h.step(), [&](int64_t first, int64_t count) {
    const at::Tensor logits = logits_of(h, first, count, room);
    slope(logits, h.ids.narrow(0, first, count), slopes.rows(first, count), logits);
    product_into(dhidden.narrow(0, first, count), logits, h.weight);
    if (frozen) return;
    add_product(dweight, logits, h.hidden.narrow(0, first, count));
    if (h.bias.defined()) dbias.add_(at::sum(logits, {0}, false, at::kFloat));
  });
  call.give(dhidden);
  if (frozen) return;
  call.give(dweight.to(h.weight.scalar_type()));
  if (h.bias.defined()) call.give(dbias.to(h.bias.scalar_type()));
}

}  // namespace

void add_losses(Operations& operations) {
  const Operation table[] = {
      {"token_log_prob", token_log_prob}, {"token_log_prob_grad", token_log_prob_grad},
      {"head_log_prob", head_log_prob}, {"head_log_prob_grad", head_log_prob_grad}};
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
