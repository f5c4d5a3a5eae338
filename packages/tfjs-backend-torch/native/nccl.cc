// The flat collectives of NCCL, on the stream of its own; waiting orders this thread's stream after them.
#ifdef THINKRL_C10D

#include "c10d.h"

#ifdef THINKRL_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace thinkrl {

#ifdef THINKRL_NCCL

namespace {

class NcclCommunicator final : public C10dCommunicator {
 public:
  using C10dCommunicator::C10dCommunicator;

  std::unique_ptr<Flight> gather(const at::Tensor& shard, const at::Tensor& full) override {
    const int64_t number = begin();
    at::Tensor own = shard.contiguous(), whole = full;
    std::vector<Leg> legs;
    legs.push_back({backend()._allgather_base(whole, own), -1});
    count(static_cast<int64_t>(own.nbytes()) * (size() - 1), static_cast<int64_t>(own.nbytes()) * (size() - 1));
    return flight("all-gather", number, std::move(legs), [own] { return std::vector<at::Tensor>(); });
  }

  std::unique_ptr<Flight> scatter(const at::Tensor& full) override {
    TORCH_CHECK(full.numel() % size() == 0, full.numel(), " values do not divide among ", size(), " ranks");
    const int64_t number = begin();
    at::Tensor whole = full.contiguous(), part = at::empty({full.numel() / size()}, full.options());
    std::vector<Leg> legs;
    legs.push_back({backend()._reduce_scatter_base(part, whole), -1});
    count(static_cast<int64_t>(part.nbytes()) * (size() - 1), static_cast<int64_t>(part.nbytes()) * (size() - 1));
    return flight("reduce-scatter", number, std::move(legs), [part, whole] {
      return std::vector<at::Tensor>{at::isFloatingType(part.scalar_type()) ? part.to(at::kFloat) : part};
    });
  }
};

}  // namespace

std::unique_ptr<Communicator> join_nccl(const Membership& membership, const Store& store) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = membership.timeout;
  auto backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, membership.rank, membership.size, options);
  return std::make_unique<NcclCommunicator>(membership, store, backend);
}

#else

std::unique_ptr<Communicator> join_nccl(const Membership& membership, const Store&) {
  throw std::runtime_error(
      membership.device.str() +
      " needs NCCL, which the addon was built without: pip install torch with CUDA, whose headers come as nvidia-* packages, then npx thinkrl-build-torch");
}

#endif

}  // namespace thinkrl

#endif
