// What both transports share: works by peer, failures that name the rank, all-reduce, broadcast, barrier.
#pragma once

#include <mutex>

#include "communicator.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#endif

namespace thinkrl {

#if TORCH_VERSION_MAJOR >= 2
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif

using Store = c10::intrusive_ptr<c10d::Store>;
using WorkPointer = c10::intrusive_ptr<c10d::Work>;

class C10dCommunicator : public Communicator {
 public:
  C10dCommunicator(const Membership& membership, Store store, c10::intrusive_ptr<Backend> backend)
      : membership_(membership), store_(std::move(store)), backend_(std::move(backend)) {}

  std::unique_ptr<Flight> reduce(const std::vector<at::Tensor>& tensors, Reduction reduction) override;
  std::unique_ptr<Flight> broadcast(const std::vector<at::Tensor>& tensors, int source) override;
  std::unique_ptr<Flight> barrier() override;
  Traffic traffic() const override { return traffic_; }
  void report(const std::string& problem) override;
  void leave() override;

 protected:
  /** A work and the rank that it waits for; -1 where it waits for all. */
  struct Leg {
    WorkPointer work;
    int peer;
  };
  using Landing = std::function<std::vector<at::Tensor>()>;

  /** Counts a collective and gives its number; throws when an earlier one failed. */
  int64_t begin();
  void count(int64_t sent, int64_t received);
  /** Starts a leg; a connection that is already lost is told as one that is lost on the way. */
  Leg leg(const char* name, int64_t number, int peer, const std::function<WorkPointer()>& start);
  std::unique_ptr<Flight> flight(const char* name, int64_t number, std::vector<Leg> legs, Landing landing);
  int rank() const { return membership_.rank; }
  int size() const { return membership_.size; }
  Backend& backend() { return *backend_; }

 private:
  friend class C10dFlight;
  std::string describe(const std::string& what, int peer, const std::string& reason);
  std::string last_words();
  std::string broken();

  Membership membership_;
  Store store_;
  c10::intrusive_ptr<Backend> backend_;
  Traffic traffic_ = {0, 0, 0};
  std::mutex mutex_;
  std::string broken_;
  bool reported_ = false;
};

/** Gloo: tensors on a CPU. */
std::unique_ptr<Communicator> join_gloo(const Membership& membership, const Store& store);
/** NCCL: tensors on a GPU; throws where the addon was compiled without. */
std::unique_ptr<Communicator> join_nccl(const Membership& membership, const Store& store);

}  // namespace thinkrl
