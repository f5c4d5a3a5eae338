// Groups and collectives under way, by numbers that JavaScript gives; tensors come and go through the mailbox.
#include "collective.h"

#include <map>
#include <mutex>

#include "communicator.h"
#include "guard.h"

namespace thinkrl {
namespace {

/** Whatever is under `key`, shared, so that it outlives a thread that still waits for it. */
template <typename Value>
class Registry {
 public:
  void put(int64_t key, std::shared_ptr<Value> value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_[key] = std::move(value);
  }

  std::shared_ptr<Value> at(int64_t key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(key);
    TORCH_CHECK(found != entries_.end(), "the group was left, or the collective has ended");
    return found->second;
  }

  std::shared_ptr<Value> take(int64_t key) {
    auto value = at(key);
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.erase(key);
    return value;
  }

  template <typename Condition>
  void drop(Condition condition) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      entry = condition(*entry->second) ? entries_.erase(entry) : std::next(entry);
    }
  }

 private:
  std::mutex mutex_;
  std::map<int64_t, std::shared_ptr<Value>> entries_;
};

// Never destroyed: at exit a connection may still be waited for.
auto& groups() {
  static auto* registry = new Registry<Communicator>();
  return *registry;
}

auto& flights() {
  static auto* registry = new Registry<Flight>();
  return *registry;
}

/** Runs a blocking piece of work on a thread of its own and keeps a promise of nothing. */
class Task final : public Napi::AsyncWorker {
 public:
  Task(Napi::Env env, std::function<void()> body)
      : Napi::AsyncWorker(env), promise_(Napi::Promise::Deferred::New(env)), body_(std::move(body)) {}

  Napi::Promise promise() const { return promise_.Promise(); }
  void Execute() override {
    if (const auto problem = problem_of(body_)) SetError(*problem);
  }
  void OnOK() override { promise_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { promise_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred promise_;
  std::function<void()> body_;
};

Napi::Value later(Napi::Env env, std::function<void()> body) {
  auto* task = new Task(env, std::move(body));
  const Napi::Value promise = task->promise();
  task->Queue();
  return promise;
}

int64_t number_of(const Napi::Value& value) { return value.As<Napi::Number>().Int64Value(); }

/** joinGroup(group, {rank, worldSize, address, port, serves, prefix, timeoutMilliseconds}): a promise. */
Napi::Value join_group(const Napi::CallbackInfo& info) {
  const int64_t group = number_of(info[0]);
  const Napi::Object options = info[1].As<Napi::Object>();
  Membership membership;
  membership.rank = static_cast<int>(number_of(options.Get("rank")));
  membership.size = static_cast<int>(number_of(options.Get("worldSize")));
  membership.address = options.Get("address").As<Napi::String>();
  membership.port = static_cast<uint16_t>(number_of(options.Get("port")));
  membership.serves = options.Get("serves").As<Napi::Boolean>();
  membership.prefix = options.Get("prefix").As<Napi::String>();
  membership.timeout = std::chrono::milliseconds(number_of(options.Get("timeoutMilliseconds")));
  membership.device = static_cast<Instance*>(info.Data())->device;
  return later(info.Env(), [group, membership] { groups().put(group, join(membership)); });
}

/** leaveGroup(group): a promise; its connections are closed. */
Napi::Value leave_group(const Napi::CallbackInfo& info) {
  auto group = groups().take(number_of(info[0]));
  // What failed or was not waited for would keep the connections open.
  flights().drop([&](const Flight& flight) { return flight.is_of(*group); });
  return later(info.Env(), [group]() mutable {
    group->leave();
    group.reset();
  });
}

/** flightEnds(flight): a promise that is kept when the collective is done. */
Napi::Value flight_ends(const Napi::CallbackInfo& info) {
  const auto flight = flights().at(number_of(info[0]));
  return later(info.Env(), [flight] { flight->wait(); });
}

Napi::Value group_traffic(const Napi::CallbackInfo& info) {
  const Traffic traffic = groups().at(number_of(info[0]))->traffic();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("sentBytes", static_cast<double>(traffic.sent));
  object.Set("receivedBytes", static_cast<double>(traffic.received));
  object.Set("collectives", static_cast<double>(traffic.collectives));
  return object;
}

Napi::Value report_failure(const Napi::CallbackInfo& info) {
  groups().at(number_of(info[0]))->report(info[1].As<Napi::String>());
  return info.Env().Undefined();
}

Napi::Value lack(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), lack_of_collectives()); }

/** Makes what a function throws an Error of JavaScript. */
template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
Napi::Value safely(const Napi::CallbackInfo& info) {
  Napi::Value result = info.Env().Undefined();
  guarded(info.Env(), "collective", nullptr, [&] { result = Function(info); });
  return result;
}

void gather(Call& call) {
  const auto group = groups().at(call.integer());
  const int64_t flight = call.integer();
  const at::Tensor& shard = call.tensor();
  flights().put(flight, group->gather(shard, call.tensor()));
}

void scatter(Call& call) {
  const auto group = groups().at(call.integer());
  const int64_t flight = call.integer();
  flights().put(flight, group->scatter(call.tensor()));
}

void reduce(Call& call) {
  const auto group = groups().at(call.integer());
  const int64_t flight = call.integer();
  const auto reduction = static_cast<Reduction>(call.integer());
  flights().put(flight, group->reduce(call.tensors(), reduction));
}

void broadcast(Call& call) {
  const auto group = groups().at(call.integer());
  const int64_t flight = call.integer();
  const int source = static_cast<int>(call.integer());
  flights().put(flight, group->broadcast(call.tensors(), source));
}

void barrier(Call& call) {
  const auto group = groups().at(call.integer());
  const int64_t flight = call.integer();
  flights().put(flight, group->barrier());
}

/** Waits for a collective and gives its results. */
void land(Call& call) {
  const auto flight = flights().take(call.integer());
  flight->wait();
  for (auto& result : flight->land()) call.give(std::move(result));
}

/** Frees the memory behind a tensor and all its views; their shapes stay. */
void storage_release(Call& call) {
  const at::Tensor& x = call.tensor();
  TORCH_CHECK(x.is_contiguous() && x.storage_offset() == 0, "only a whole storage can be released");
  x.storage().set_data_ptr(at::DataPtr(nullptr, x.device()));
  x.storage().unsafeGetStorageImpl()->set_nbytes(0);
}

/** Gives memory, of any content, to a tensor whose memory was released and to all its views. */
void storage_restore(Call& call) {
  const at::Tensor& x = call.tensor();
  c10::StorageImpl* storage = x.storage().unsafeGetStorageImpl();
  if (storage->nbytes() > 0) return;
  const size_t bytes = static_cast<size_t>(x.numel()) * x.element_size();
  storage->set_data_ptr(storage->allocator()->allocate(bytes));
  storage->set_nbytes(bytes);
}

/** A tensor in the host's memory or on the engine's device; the same one where it is there already. */
void storage_place(Call& call) {
  const at::Tensor& x = call.tensor();
  const at::Device place = call.flag() ? at::Device(at::kCPU) : call.instance().device;
  call.give(x.device() == place ? x.alias() : x.to(place));
}

}  // namespace

void define_collectives(Napi::Env env, Napi::Object exports, Instance* instance) {
  exports.Set("joinGroup", Napi::Function::New(env, safely<join_group>, "joinGroup", instance));
  exports.Set("leaveGroup", Napi::Function::New(env, safely<leave_group>, "leaveGroup", instance));
  exports.Set("flightEnds", Napi::Function::New(env, safely<flight_ends>, "flightEnds", instance));
  exports.Set("groupTraffic", Napi::Function::New(env, safely<group_traffic>, "groupTraffic", instance));
  exports.Set("reportFailure", Napi::Function::New(env, safely<report_failure>, "reportFailure", instance));
  exports.Set("lackOfCollectives", Napi::Function::New(env, safely<lack>, "lackOfCollectives", instance));
}

void add_collectives(Operations& operations) {
  const Operation table[] = {
      {"collective_gather", gather}, {"collective_scatter", scatter}, {"collective_reduce", reduce},
      {"collective_broadcast", broadcast}, {"collective_barrier", barrier}, {"collective_land", land},
      {"storage_release", storage_release}, {"storage_restore", storage_restore},
      {"storage_place", storage_place}};
  operations.insert(operations.end(), std::begin(table), std::end(table));
}

}  // namespace thinkrl
