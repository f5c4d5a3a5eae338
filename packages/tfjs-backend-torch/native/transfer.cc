#include "transfer.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "guard.h"

namespace thinkrl {
namespace {

/** The bytes of a typed array. */
struct Bytes {
  void* data;
  size_t length;
};

size_t element_bytes(napi_typedarray_type type) {
  switch (type) {
    case napi_float32_array:
    case napi_int32_array: return 4;
    case napi_uint16_array: return 2;
    default: return 1;
  }
}

Bytes bytes_of(napi_env env, napi_value array) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  const auto status = napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr);
  TORCH_CHECK(status == napi_ok, "expected a typed array");
  return {data, length * element_bytes(type)};
}

/** The tensor behind a handle as the values that JavaScript reads: contiguous, halves as float32. */
at::Tensor readable(napi_env env, Instance& instance, napi_value handle) {
  int64_t index = -1;
  napi_get_value_int64(env, handle, &index);
  const at::Tensor tensor = instance.slots.at(index).resolve_conj();
  return (is_half(tensor) ? tensor.to(at::kFloat) : tensor).contiguous();
}

/** Up to this size values go to a GPU by way of pinned memory, so that nothing waits for what the GPU is doing. */
constexpr size_t kStagedBytes = size_t{1} << 22;

at::Tensor on_device(const Bytes& from, at::IntArrayRef shape, at::ScalarType type, at::Device device) {
  const bool staged = !device.is_cpu() && from.length > 0 && from.length <= kStagedBytes;
  const at::Tensor host = at::empty(shape, at::device(at::kCPU).dtype(type).pinned_memory(staged));
  TORCH_CHECK(from.length == host.nbytes(), "got ", from.length, " bytes for ", host.numel(), " values");
  if (from.length > 0) std::memcpy(host.data_ptr(), from.data, from.length);
  return device.is_cpu() ? host : host.to(at::device(device).dtype(type), /*non_blocking=*/staged);
}

void copy_out(const at::Tensor& host, const Bytes& to) {
  TORCH_CHECK(to.length == host.nbytes(), "got room for ", to.length, " of ", host.nbytes(), " bytes");
  if (to.length > 0) std::memcpy(to.data, host.data_ptr(), to.length);
}

/** Waits on a thread of its own until a copy into pinned memory is done, then fills the array and keeps its promise. */
class Waiter final : public Napi::AsyncWorker {
 public:
  Waiter(Napi::Env env, at::Tensor source, Napi::Value array)
      : Napi::AsyncWorker(env),
        promise_(Napi::Promise::Deferred::New(env)),
        array_(Napi::Persistent(array.As<Napi::Object>())),
        source_(std::move(source)),
        host_(at::empty(source_.sizes(), source_.options().device(at::kCPU).pinned_memory(true))) {
    host_.copy_(source_, /*non_blocking=*/true);
    stream_ = guard()->getStream(source_.device());
  }

  Napi::Promise promise() const { return promise_.Promise(); }

  void Execute() override {
    const auto problem = problem_of([&] { guard()->synchronizeStream(stream_); });
    if (problem) SetError("download: " + *problem);
  }

  void OnOK() override {
    const auto problem = problem_of([&] { copy_out(host_, bytes_of(Env(), array_.Value())); });
    if (problem) return OnError(Napi::Error::New(Env(), "download: " + *problem));
    promise_.Resolve(array_.Value());
  }

  void OnError(const Napi::Error& error) override { promise_.Reject(error.Value()); }

 private:
  const c10::impl::DeviceGuardImplInterface* guard() const {
    return c10::impl::getDeviceGuardImpl(source_.device().type());
  }

  Napi::Promise::Deferred promise_;
  Napi::ObjectReference array_;
  at::Tensor source_, host_;
  c10::Stream stream_{c10::Stream::DEFAULT, at::Device(at::kCPU)};
};

}  // namespace

napi_value upload(napi_env env, napi_callback_info info) {
  napi_value values[1];
  Instance* instance = instance_of(env, info, 1, values);
  Call call(*instance);
  guarded(env, "upload", &call, [&] {
    instance->drain();
    const Bytes from = bytes_of(env, values[0]);
    const auto dtype = call.dtype();
    call.give(on_device(from, call.integers(), dtype, instance->device));
    call.finish();
  });
  return nullptr;
}

napi_value download(napi_env env, napi_callback_info info) {
  napi_value values[2];
  Instance* instance = instance_of(env, info, 2, values);
  guarded(env, "download", nullptr, [&] {
    instance->drain();
    copy_out(readable(env, *instance, values[0]).to(at::kCPU), bytes_of(env, values[1]));
  });
  return nullptr;
}

napi_value download_later(napi_env env, napi_callback_info info) {
  napi_value values[2], answer = nullptr;
  Instance* instance = instance_of(env, info, 2, values);
  guarded(env, "download", nullptr, [&] {
    instance->drain();
    const at::Tensor source = readable(env, *instance, values[0]);
    if (source.is_cpu()) return copy_out(source, bytes_of(env, values[1]));
    auto* waiter = new Waiter(env, source, Napi::Value(env, values[1]));
    answer = waiter->promise();
    waiter->Queue();
  });
  return answer;
}

}  // namespace thinkrl
