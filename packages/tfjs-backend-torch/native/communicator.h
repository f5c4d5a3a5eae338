// c10d's process groups: what JavaScript may start on one, and what comes of it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "prelude.h"

namespace thinkrl {

/** Who this process is among the others and where they meet. */
struct Membership {
  int rank, size;
  std::string address;
  uint16_t port;
  /** Whether this process keeps the store that all meet at. */
  bool serves;
  /** Keeps the keys of this group apart from others in the same store. */
  std::string prefix;
  std::chrono::milliseconds timeout;
  at::Device device = at::kCPU;
};

/** Bytes that this rank has sent and received for tensors, headers left out. */
struct Traffic {
  int64_t sent, received, collectives;
};

class Communicator;

enum class Reduction { kSum = 0, kMean = 1, kMax = 2 };

/** A collective under way. */
class Flight {
 public:
  virtual ~Flight() = default;
  /** Blocks until it is done; throws what went wrong. May be called again. */
  virtual void wait() = 0;
  /** The results, after `wait`. */
  virtual std::vector<at::Tensor> land() = 0;
  virtual bool is_of(const Communicator& communicator) const = 0;
};

/** The ranks that compute together. Every rank starts the same collectives in the same order. */
class Communicator {
 public:
  virtual ~Communicator() = default;
  /** Fills `full` with the equal `shard` of every rank, in rank order. */
  virtual std::unique_ptr<Flight> gather(const at::Tensor& shard, const at::Tensor& full) = 0;
  /** This rank's equal part of the sum of `full` over all ranks, added up in rank order. */
  virtual std::unique_ptr<Flight> scatter(const at::Tensor& full) = 0;
  virtual std::unique_ptr<Flight> reduce(const std::vector<at::Tensor>& tensors, Reduction reduction) = 0;
  virtual std::unique_ptr<Flight> broadcast(const std::vector<at::Tensor>& tensors, int source) = 0;
  virtual std::unique_ptr<Flight> barrier() = 0;
  virtual Traffic traffic() const = 0;
  /** Leaves a word for the ranks whose collectives will fail because of this one. */
  virtual void report(const std::string& problem) = 0;
  /** Closes the connections; after a failure, waits for others that may still ask this rank's store what it was. */
  virtual void leave() = 0;
};

/** Meets the others; blocks until all are there or the time is up. */
std::unique_ptr<Communicator> join(const Membership& membership);

/** What keeps this addon from joining a group; empty when nothing does. */
std::string lack_of_collectives();

}  // namespace thinkrl
