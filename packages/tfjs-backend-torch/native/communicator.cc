#include "communicator.h"

#ifdef THINKRL_C10D

#include <thread>

#include "c10d.h"
#include "guard.h"

namespace thinkrl {

class C10dFlight final : public Flight {
 public:
  C10dFlight(C10dCommunicator& owner, std::string what, std::vector<C10dCommunicator::Leg> legs, C10dCommunicator::Landing landing)
      : owner_(owner), what_(std::move(what)), legs_(std::move(legs)), landing_(std::move(landing)) {}

  void wait() override {
    for (; done_ < legs_.size(); ++done_) {
      const auto& [work, peer] = legs_[done_];
      const auto problem = problem_of([&] { TORCH_CHECK(work->wait(), "it was aborted"); });
      if (problem) throw std::runtime_error(owner_.describe(what_, peer, *problem));
    }
  }

  bool is_of(const Communicator& communicator) const override { return &communicator == &owner_; }

  std::vector<at::Tensor> land() override { return landing_ ? landing_() : std::vector<at::Tensor>(); }

 private:
  C10dCommunicator& owner_;
  const std::string what_;
  const std::vector<C10dCommunicator::Leg> legs_;
  const C10dCommunicator::Landing landing_;
  size_t done_ = 0;
};

namespace {

std::string failure_key(int rank) { return "failed/" + std::to_string(rank); }
std::string arrival_key(int rank) { return "here/" + std::to_string(rank); }
std::string departure_key(int rank) { return "left/" + std::to_string(rank); }
std::string witness_key(int rank) { return "witness/" + std::to_string(rank); }
std::string rank_name(int rank) { return "rank " + std::to_string(rank); }

std::string title(const char* name, int64_t number, int rank) {
  return std::string(name) + " " + std::to_string(number) + " of " + rank_name(rank);
}

std::string seconds_of(std::chrono::milliseconds time) {
  std::string text = std::to_string(time.count() / 1000.0);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

bool holds(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

bool is_timeout(const std::string& reason) {
  return holds(reason, "imed out") || holds(reason, "imeout") || holds(reason, "time out");
}

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

/** Says to the others that this rank is here and waits until all are; names who is not. */
void meet(const Membership& membership, const Store& store) {
  store->set(arrival_key(membership.rank), bytes_of("1"));
  std::vector<std::string> keys;
  for (int rank = 0; rank < membership.size; ++rank) keys.push_back(arrival_key(rank));
  const auto problem = problem_of([&] { store->wait(keys, membership.timeout); });
  if (!problem) return;
  std::string missing;
  for (int rank = 0; rank < membership.size; ++rank) {
    if (!store->check({arrival_key(rank)})) missing += (missing.empty() ? "" : ", ") + rank_name(rank);
  }
  TORCH_CHECK(!missing.empty(), *problem);
  throw std::runtime_error(missing + " did not come within " + seconds_of(membership.timeout) + " (timeout)");
}

/**
 * Who a failure that names nobody is due to: every rank that sees one says so in the store; those that have not after a
 * while are to blame.
 */
std::string silent_ranks(const Store& store, int rank, int size) {
  std::string silent;
  const auto problem = problem_of([&] {
    store->set(witness_key(rank), bytes_of("1"));
    std::vector<std::string> keys;
    for (int other = 0; other < size; ++other) keys.push_back(witness_key(other));
    for (int attempt = 0; attempt < 20 && !store->check(keys); ++attempt) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    for (int other = 0; other < size; ++other) {
      if (!store->check({witness_key(other)})) silent += (silent.empty() ? "" : ", ") + rank_name(other);
    }
  });
  if (problem) return "rank 0, which keeps the store,";
  return silent.empty() ? "another rank" : silent;
}

/** Halves travel as float32 and truth values as integers; a mean is taken of floats. */
at::Tensor as_reducible(const at::Tensor& x, Reduction reduction) {
  const bool floating = at::isFloatingType(x.scalar_type()) || reduction == Reduction::kMean;
  return x.reshape({-1}).to(floating ? at::kFloat : at::kInt);
}

}  // namespace

int64_t C10dCommunicator::begin() {
  const std::string problem = broken();
  if (!problem.empty()) throw std::runtime_error("an earlier collective failed: " + problem);
  return traffic_.collectives++;
}

void C10dCommunicator::count(int64_t sent, int64_t received) {
  traffic_.sent += sent;
  traffic_.received += received;
}

C10dCommunicator::Leg C10dCommunicator::leg(
    const char* name, int64_t number, int peer, const std::function<WorkPointer()>& start) {
  WorkPointer work;
  const auto problem = problem_of([&] { work = start(); });
  if (problem) throw std::runtime_error(describe(title(name, number, rank()), peer, *problem));
  return {work, peer};
}

std::unique_ptr<Flight> C10dCommunicator::flight(const char* name, int64_t number, std::vector<Leg> legs, Landing landing) {
  return std::make_unique<C10dFlight>(*this, title(name, number, rank()), std::move(legs), std::move(landing));
}

std::string C10dCommunicator::describe(const std::string& what, int peer, const std::string& reason) {
  const std::string other = peer < 0 ? silent_ranks(store_, rank(), size()) : rank_name(peer);
  const bool closed = holds(reason, "onnection closed") || holds(reason, "eset by peer") || holds(reason, "roken pipe");
  const std::string cause = is_timeout(reason) ? other + " did not answer within " + seconds_of(membership_.timeout) + " (timeout)"
      : closed                                 ? other + " has gone: it closed the connection"
                                               : other + ": " + reason;
  const std::string problem = what + ": " + cause + last_words();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (broken_.empty()) broken_ = problem;
  return problem;
}

std::string C10dCommunicator::broken() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return broken_;
}

/** What ranks that failed said before they went. */
std::string C10dCommunicator::last_words() {
  std::string words;
  problem_of([&] {
    for (int rank = 0; rank < size(); ++rank) {
      if (!store_->check({failure_key(rank)})) continue;
      const auto said = store_->get(failure_key(rank));
      words += "; " + rank_name(rank) + " said: " + std::string(said.begin(), said.end());
    }
  });
  return words;
}

void C10dCommunicator::report(const std::string& problem) {
  reported_ = true;
  problem_of([&] { store_->set(failure_key(rank()), bytes_of(problem)); });
}

void C10dCommunicator::leave() {
  backend_.reset();
  if (broken().empty() && !reported_) return;
  problem_of([&] {
    store_->set(departure_key(rank()), bytes_of("1"));
    if (!membership_.serves) return;
    std::vector<std::string> keys;
    for (int other = 0; other < size(); ++other) keys.push_back(departure_key(other));
    // Who hears of a failure from one that heard of it looks for the silent ranks as long again.
    for (int attempt = 0; attempt < 50 && !store_->check(keys); ++attempt) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
}

std::unique_ptr<Flight> C10dCommunicator::reduce(const std::vector<at::Tensor>& tensors, Reduction reduction) {
  const int64_t number = begin();
  std::vector<Leg> legs;
  std::vector<at::Tensor> sums(tensors.size());
  for (const at::ScalarType type : {at::kFloat, at::kInt}) {
    std::vector<at::Tensor> parts;
    std::vector<int64_t> lengths;
    std::vector<size_t> owners;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const at::Tensor flat = as_reducible(tensors[i], reduction);
      if (flat.scalar_type() != type) continue;
      parts.push_back(flat), lengths.push_back(flat.numel()), owners.push_back(i);
    }
    if (parts.empty()) continue;
    std::vector<at::Tensor> joined = {at::cat(parts)};
    c10d::AllreduceOptions options;
    options.reduceOp = reduction == Reduction::kMax ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM;
    legs.push_back({backend_->allreduce(joined, options), -1});
    const int64_t share = 2 * static_cast<int64_t>(joined[0].nbytes()) * (size() - 1) / size();
    count(share, share);
    const auto split = at::split_with_sizes(joined[0], lengths);
    for (size_t i = 0; i < owners.size(); ++i) sums[owners[i]] = split[i];
  }
  return flight("all-reduce", number, std::move(legs), [this, tensors, sums, reduction] {
    std::vector<at::Tensor> results;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const at::Tensor sum = sums[i].reshape(tensors[i].sizes());
      const bool floating = at::isFloatingType(tensors[i].scalar_type());
      const at::Tensor result = reduction == Reduction::kMean ? at::div(sum, size()) : sum.clone();
      results.push_back(floating ? result.to(tensors[i].scalar_type()) : result);
    }
    return results;
  });
}

std::unique_ptr<Flight> C10dCommunicator::broadcast(const std::vector<at::Tensor>& tensors, int source) {
  TORCH_CHECK(source >= 0 && source < size(), "source ", source, " is no rank of ", size());
  const int64_t number = begin();
  std::vector<Leg> legs;
  std::vector<at::Tensor> copies;
  for (const at::Tensor& tensor : tensors) {
    copies.push_back(tensor.contiguous().clone());
    std::vector<at::Tensor> bytes = {copies.back().reshape({-1}).view(at::kByte)};
    c10d::BroadcastOptions options;
    options.rootRank = source;
    legs.push_back({backend_->broadcast(bytes, options), source == rank() ? -1 : source});
    const int64_t length = static_cast<int64_t>(copies.back().nbytes());
    count(source == rank() ? length : 0, source == rank() ? 0 : length);
  }
  return flight("broadcast", number, std::move(legs), [copies] { return copies; });
}

std::unique_ptr<Flight> C10dCommunicator::barrier() {
  const int64_t number = begin();
  std::vector<Leg> legs;
  c10d::BarrierOptions options;
  if (!membership_.device.is_cpu()) options.device_ids = {membership_.device.index()};
  legs.push_back({backend_->barrier(options), -1});
  return flight("barrier", number, std::move(legs), {});
}

std::unique_ptr<Communicator> join(const Membership& membership) {
  c10d::TCPStoreOptions options;
  options.port = membership.port;
  options.isServer = membership.serves;
  options.waitWorkers = false;
  // The store counts whole seconds.
  options.timeout = std::chrono::ceil<std::chrono::seconds>(membership.timeout);
  const Store server = c10::make_intrusive<c10d::TCPStore>(membership.address, options);
  const Store store = c10::make_intrusive<c10d::PrefixStore>(membership.prefix, server);
  meet(membership, store);
  return membership.device.is_cpu() ? join_gloo(membership, store) : join_nccl(membership, store);
}

std::string lack_of_collectives() { return ""; }

}  // namespace thinkrl

#else

namespace thinkrl {

std::string lack_of_collectives() {
  return "this libtorch was built without c10d (distributed): install libtorch-dev or pip install torch, then npx thinkrl-build-torch";
}

std::unique_ptr<Communicator> join(const Membership&) { throw std::runtime_error(lack_of_collectives()); }

}  // namespace thinkrl

#endif
