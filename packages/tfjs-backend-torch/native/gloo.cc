// Gathering and scattering from sends between pairs of ranks: old Gloo lacks the flat collectives, and sends take every
// storage type. The volume is that of a ring; a sum is added up in rank order, so that it does not depend on timing.
#ifdef THINKRL_C10D

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c10d.h"

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace thinkrl {
namespace {

class GlooCommunicator final : public C10dCommunicator {
 public:
  using C10dCommunicator::C10dCommunicator;

  std::unique_ptr<Flight> gather(const at::Tensor& shard, const at::Tensor& full) override {
    const std::vector<at::Tensor> parts = parts_of(full);
    TORCH_CHECK(shard.numel() == parts[0].numel(), "a shard of ", shard.numel(), " values for parts of ", parts[0].numel());
    TORCH_CHECK(shard.scalar_type() == full.scalar_type(), "the shard is stored otherwise than the whole");
    const int64_t number = begin();
    const at::Tensor own = shard.contiguous();
    std::vector<Leg> legs;
    exchange("all-gather", number, legs, [&](int) { return own; }, [&](int peer) { return parts[peer]; });
    at::Tensor(parts[rank()]).copy_(own.reshape({-1}));
    return flight("all-gather", number, std::move(legs), {});
  }

  std::unique_ptr<Flight> scatter(const at::Tensor& full) override {
    const at::Tensor flat = full.contiguous();
    std::vector<at::Tensor> own = parts_of(flat), arriving = own;
    for (int peer = 0; peer < size(); ++peer) {
      if (peer != rank()) arriving[peer] = at::empty_like(own[peer]);
    }
    const int64_t number = begin();
    std::vector<Leg> legs;
    exchange(
        "reduce-scatter", number, legs, [&](int peer) { return own[peer]; }, [&](int peer) { return arriving[peer]; });
    return flight("reduce-scatter", number, std::move(legs), [arriving, flat] {
      const bool floating = at::isFloatingType(flat.scalar_type());
      at::Tensor sum = arriving[0].to(floating ? at::kFloat : flat.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
      for (size_t i = 1; i < arriving.size(); ++i) sum.add_(arriving[i]);
      return std::vector<at::Tensor>{sum};
    });
  }

 private:
  std::vector<at::Tensor> parts_of(const at::Tensor& full) const {
    TORCH_CHECK(full.dim() == 1 && full.is_contiguous(), "a whole is a vector without gaps");
    TORCH_CHECK(full.numel() % size() == 0, full.numel(), " values do not divide among ", size(), " ranks");
    const int64_t length = full.numel() / size();
    std::vector<at::Tensor> parts;
    for (int i = 0; i < size(); ++i) parts.push_back(full.narrow(0, i * length, length));
    return parts;
  }

  /** One message to and one from every other rank, beginning with the next one so that no rank is asked by all at once. */
  template <typename Outgoing, typename Incoming>
  void exchange(const char* name, int64_t number, std::vector<Leg>& legs, Outgoing outgoing, Incoming incoming) {
    const int tag = static_cast<int>(number % (int64_t{1} << 30));
    for (int step = 1; step < size(); ++step) {
      const int to = (rank() + step) % size(), from = (rank() - step + size()) % size();
      std::vector<at::Tensor> in = {incoming(from)}, out = {outgoing(to)};
      count(static_cast<int64_t>(out[0].nbytes()), static_cast<int64_t>(in[0].nbytes()));
      if (in[0].numel() == 0) continue;
      legs.push_back(leg(name, number, from, [&] { return backend().recv(in, from, tag); }));
      legs.push_back(leg(name, number, to, [&] { return backend().send(out, to, tag); }));
    }
  }
};

/** The address by which this machine reaches another: the one that the others can reach it by. */
std::string address_towards(const std::string& host) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  // Nothing is sent: connecting only chooses the way, whatever the port.
  const int status = getaddrinfo(host.c_str(), "9", &hints, &found);
  TORCH_CHECK(status == 0, "cannot resolve ", host, ": ", gai_strerror(status));
  std::string address;
  for (const addrinfo* entry = found; entry != nullptr && address.empty(); entry = entry->ai_next) {
    const int descriptor = socket(entry->ai_family, entry->ai_socktype, 0);
    if (descriptor < 0) continue;
    sockaddr_storage own = {};
    socklen_t length = sizeof(own);
    char text[NI_MAXHOST];
    if (connect(descriptor, entry->ai_addr, entry->ai_addrlen) == 0 &&
        getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &length) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr*>(&own), length, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0)
      address = text;
    close(descriptor);
  }
  freeaddrinfo(found);
  TORCH_CHECK(!address.empty(), "no way to ", host, " from this machine");
  return address;
}

}  // namespace

std::unique_ptr<Communicator> join_gloo(const Membership& membership, const Store& store) {
  auto options = c10::make_intrusive<c10d::ProcessGroupGloo::Options>(membership.timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->threads = 2;
  options->devices.push_back(
      interface != nullptr
          ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
          : c10d::ProcessGroupGloo::createDeviceForHostname(address_towards(membership.address)));
  auto backend = c10::make_intrusive<c10d::ProcessGroupGloo>(store, membership.rank, membership.size, options);
  return std::make_unique<GlooCommunicator>(membership, store, backend);
}

}  // namespace thinkrl

#endif
