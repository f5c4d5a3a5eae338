// Random numbers as a function of (seed, position): the same on any number of threads.

#include <array>

#include "call.h"
#include "normal.h"

namespace thinkrl {
namespace {

using Words = std::array<uint32_t, 4>;

/** Philox 4x32 with ten rounds (Salmon et al. 2011): counter and key to 128 random bits. */
Words philox(uint64_t counter, uint64_t seed) {
  Words c{static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * c[0], b = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(b),
         static_cast<uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(a)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

/** Uniform in (0, 1): never 0, so that its logarithm is finite. */
float open_unit(uint32_t word) { return (static_cast<float>(word >> 8) + 0.5f) * (1.0f / 16777216.0f); }

/** A seed as two 32-bit halves, so that all 64 bits survive a JavaScript number. */
uint64_t read_seed(Call& call) {
  const uint64_t low = static_cast<uint32_t>(call.integer());
  return low | static_cast<uint64_t>(static_cast<uint32_t>(call.integer())) << 32;
}

/** Up to this many numbers are drawn into pinned memory, so that sending them waits for nothing the GPU is doing. */
constexpr int64_t kStagedNumbers = int64_t{1} << 20;

at::Tensor host_floats(Call& call, const Integers& shape) {
  const int64_t length = c10::multiply_integers(shape);
  const bool staged = !call.instance().device.is_cpu() && length > 0 && length <= kStagedNumbers;
  return at::empty(shape, at::device(at::kCPU).dtype(at::kFloat).pinned_memory(staged));
}

void give_from_host(Call& call, const at::Tensor& x) {
  const bool staged = !call.instance().device.is_cpu() && x.numel() > 0 && x.numel() <= kStagedNumbers;
  call.give(x.to(at::device(call.instance().device).dtype(at::kFloat), /*non_blocking=*/staged));
}

template <typename Quad>
void fill_quads(Call& call, Quad quad) {
  const Integers shape = call.integers();
  const uint64_t seed = read_seed(call);
  const double first = call.number(), second = call.number();
  at::Tensor x = host_floats(call, shape);
  float* to = x.data_ptr<float>();
  const int64_t length = x.numel();
  at::parallel_for(0, (length + 3) / 4, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const std::array<float, 4> values = quad(philox(i, seed), first, second);
      std::copy_n(values.begin(), std::min<int64_t>(4, length - 4 * i), to + 4 * i);
    }
  });
  give_from_host(call, x);
}

/** Box-Muller: two uniforms become two normals. */
std::array<float, 4> normal_quad(const Words& words, double mean, double deviation) {
  std::array<float, 4> values;
  for (int pair = 0; pair < 2; ++pair) {
    const float radius = std::sqrt(-2.0f * std::log(open_unit(words[2 * pair])));
    const float angle = 6.28318530718f * open_unit(words[2 * pair + 1]);
    values[2 * pair] = static_cast<float>(mean + deviation * radius * std::cos(angle));
    values[2 * pair + 1] = static_cast<float>(mean + deviation * radius * std::sin(angle));
  }
  return values;
}

std::array<float, 4> uniform_quad(const Words& words, double low, double high) {
  std::array<float, 4> values;
  for (int i = 0; i < 4; ++i) {
    const double unit = static_cast<double>(words[i] >> 8) / 16777216.0;
    values[i] = static_cast<float>(low + (high - low) * unit);
  }
  return values;
}

void seeded_normal(Call& call) { fill_quads(call, normal_quad); }

void seeded_uniform(Call& call) { fill_quads(call, uniform_quad); }

/** The generator of a `Key.stream()`: sfc32 started from the two words of the key and run in for 12 rounds. */
class KeyedStream {
 public:
  KeyedStream(uint32_t first, uint32_t second) : a_(first), b_(second) {
    for (int round = 0; round < 12; ++round) word();
  }

  uint32_t word() {
    const uint32_t drawn = a_ + b_ + counter_++;
    a_ = b_ ^ b_ >> 9;
    b_ = c_ + (c_ << 3);
    c_ = (c_ << 21 | c_ >> 11) + drawn;
    return drawn;
  }

 private:
  uint32_t a_, b_, c_ = 0x9E3779B9, counter_ = 1;
};

/** Fills a row with Box-Muller pairs: cosine, sine, cosine, sine. */
void fill_normal(float* to, int64_t length, KeyedStream stream) {
  for (int64_t i = 0; i < length; i += 2 * kLanes) {
    LaneWords radius_words, angle_words;
    for (int lane = 0; lane < kLanes; ++lane) {
      radius_words[lane] = stream.word();
      angle_words[lane] = stream.word();
    }
    const NormalPairs pairs = box_muller(radius_words, angle_words);
    float values[2 * kLanes];
    for (int lane = 0; lane < kLanes; ++lane) {
      values[2 * lane] = pairs.cosines[lane];
      values[2 * lane + 1] = pairs.sines[lane];
    }
    std::copy_n(values, std::min<int64_t>(2 * kLanes, length - i), to + i);
  }
}

/** Normals [rows, ...], row i decided by words 2i and 2i + 1 of the keys alone. */
void keyed_normal(Call& call) {
  const Integers shape = call.integers(), words = call.integers();
  TORCH_CHECK(!shape.empty(), "the shape has no rows");
  const int64_t rows = shape[0];
  TORCH_CHECK(static_cast<int64_t>(words.size()) == 2 * rows, words.size(), " words for the keys of ", rows, " rows");
  at::Tensor x = host_floats(call, shape);
  float* to = x.data_ptr<float>();
  const int64_t length = x.numel() / std::max<int64_t>(1, rows);
  at::parallel_for(0, rows, std::max<int64_t>(1, 4096 / std::max<int64_t>(1, length)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const KeyedStream stream(static_cast<uint32_t>(words[2 * row]), static_cast<uint32_t>(words[2 * row + 1]));
      fill_normal(to + row * length, length, stream);
    }
  });
  give_from_host(call, x);
}

/** `count` draws per row of [batch, outcomes] probabilities by inverting the cumulative sum. */
void multinomial(Call& call) {
  const at::Tensor& input = call.tensor();
  const int64_t count = call.integer();
  const uint64_t seed = read_seed(call);
  const bool normalized = call.flag();
  TORCH_CHECK(input.dim() == 2 && input.size(1) > 0, "the chances are not [batch, outcomes]");
  const at::Tensor chances = (normalized ? input : at::softmax(input, -1)).to(at::kCPU).to(at::kDouble).contiguous();
  const int64_t rows = chances.size(0), outcomes = chances.size(1);
  at::Tensor drawn = at::empty({rows, count}, at::device(at::kCPU).dtype(at::kInt));
  const double* p = chances.data_ptr<double>();
  int32_t* to = drawn.data_ptr<int32_t>();
  std::vector<double> sums(outcomes);
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (int64_t j = 0; j < outcomes; ++j) sums[j] = sum += p[row * outcomes + j];
    for (int64_t i = 0; i < count; ++i) {
      const double unit = static_cast<double>(philox(row * count + i, seed)[0]) / 4294967296.0;
      const auto found = std::upper_bound(sums.begin(), sums.end(), unit * sum);
      to[row * count + i] = static_cast<int32_t>(std::min<int64_t>(found - sums.begin(), outcomes - 1));
    }
  }
  call.give(drawn.to(call.instance().device));
}

}  // namespace

void add_random(Operations& operations) {
  const Operation table[] = {
      {"seeded_normal", seeded_normal},
      {"seeded_uniform", seeded_uniform},
      {"keyed_normal", keyed_normal},
      {"multinomial", multinomial}};
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
